"""On which terms a change begins."""

import pytest

from ostiary.changes.kinds import FLAGS_ALONE, Kind
from ostiary.changes.model import Stage
from ostiary.guard.terms import terms_of
from ostiary.kernel.errors import UsageError

FORCED = {"force": True, "reason": "an incident"}


@pytest.mark.parametrize(
    ("body", "kinds", "stage"),
    [
        ({}, FLAGS_ALONE, Stage.CHECK),
        ({"from_stage": "canary"}, FLAGS_ALONE, Stage.CANARY),
        (FORCED, FLAGS_ALONE, Stage.BAKE),
        (FORCED | {"from_stage": "check"}, FLAGS_ALONE, Stage.CHECK),
        (FORCED | {"from_stage": "rehearse"}, FLAGS_ALONE, Stage.REHEARSE),
        (FORCED, (Kind.RELEASES, Kind.FLAGS), Stage.CHECK),
        (FORCED, (Kind.IDENTITY,), Stage.CHECK),
        (FORCED, (), Stage.CHECK),
    ],
)
def test_only_a_forced_flip_begins_at_the_bake_by_itself(body, kinds, stage):
    terms = terms_of(body, kinds)
    assert (terms.from_stage, terms.kinds) == (stage, kinds)
    assert terms.force_reason == body.get("reason")


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_force_needs_a_reason(reason):
    with pytest.raises(UsageError, match="reason"):
        terms_of({"force": True, "reason": reason}, FLAGS_ALONE)


@pytest.mark.parametrize("word", ["good", "starting", "CHECK"])
def test_no_change_begins_elsewhere(word):
    with pytest.raises(UsageError, match="stage"):
        terms_of({"from_stage": word}, ())

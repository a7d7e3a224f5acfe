"""What an operator proposes, and what cannot be meant."""

from pathlib import Path
from typing import Any

import pytest

from ostiary.changes.kinds import FLAGS_ALONE, Kind
from ostiary.changes.model import Stage
from ostiary.changes.proposal import beginning, read_proposal
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.kernel.errors import ExitCode, UsageError

SERVICES = frozenset({"identity"})
RELEASE = {"releases": {"identity": "/code"}}


def test_a_release_alone_goes_through_every_stage() -> None:
    proposal = read_proposal(RELEASE, SERVICES)
    assert proposal.releases == {"identity": Path("/code")}
    assert (proposal.from_stage, proposal.is_checked) == (Stage.CHECK, True)
    assert (proposal.forced, proposal.security, proposal.again) == (False, False, False)


def test_a_request_says_everything_that_makes_a_change_unlike_others() -> None:
    body = {
        "config": "/new.toml",
        "force": True,
        "reason": "  the fix ",
        "tightens": ["token:invalid_scope"],
        "again": True,
    }
    proposal = read_proposal(body, SERVICES)
    assert proposal.reason == "the fix"
    assert proposal.tightens == (IntendedRefusal("token", "invalid_scope"),)
    assert (proposal.forced, proposal.is_checked, proposal.again) == (True, False, True)


@pytest.mark.parametrize("stage", ["rehearse", "canary", "bake"])
def test_who_starts_later_skips_the_semantic_rules(stage: str) -> None:
    assert not read_proposal(RELEASE | {"from_stage": stage}, SERVICES).is_checked


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        ({}, "nothing_proposed", "--release PATH"),
        ({"reason": "why"}, "nothing_proposed", "--config FILE"),
        ({"releases": {"ident": "/x"}}, "service_unknown", "--release identity=PATH"),
        (RELEASE | {"from_stage": "good"}, "stage_unknown", "rehearse, canary, bake"),
        (RELEASE | {"from_stage": "canery"}, "stage_unknown", "canery"),
        (RELEASE | {"force": True}, "reason_missing", "--reason TEXT"),
        (RELEASE | {"force": True, "reason": " \n"}, "reason_missing", "--reason TEXT"),
        (RELEASE | {"security": True}, "reason_missing", "wrong with last good"),
        (
            RELEASE | {"security": True, "reason": "x", "from_stage": "canary"},
            "rehearsal_needed",
            "--security cannot be combined with --from canary",
        ),
        (
            RELEASE | {"fixes": "c-1", "from_stage": "bake"},
            "rehearsal_needed",
            "--fixes cannot be combined with --from bake",
        ),
        (RELEASE | {"tightens": ["token"]}, "tightens_malformed", "ROUTE:OUTCOME"),
        (RELEASE | {"operator": "ada"}, "request_malformed", "no field operator"),
    ],
)
def test_what_cannot_be_meant_says_what_to_write(
    body: dict[str, Any], code: str, words: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_proposal(body, SERVICES)
    assert caught.value.code == code
    assert words in f"{caught.value.message} {caught.value.hint}"
    assert caught.value.exit_code is ExitCode.USAGE


@pytest.mark.parametrize(
    ("from_stage", "kinds", "is_forced", "stage"),
    [
        (None, FLAGS_ALONE, False, Stage.CHECK),
        (Stage.CANARY, FLAGS_ALONE, False, Stage.CANARY),
        (None, FLAGS_ALONE, True, Stage.BAKE),
        (Stage.CHECK, FLAGS_ALONE, True, Stage.CHECK),
        (Stage.REHEARSE, FLAGS_ALONE, True, Stage.REHEARSE),
        (None, (Kind.RELEASES, Kind.FLAGS), True, Stage.CHECK),
        (None, (Kind.IDENTITY,), True, Stage.CHECK),
        (None, (), True, Stage.CHECK),
    ],
)
def test_only_a_forced_flip_begins_at_the_bake_by_itself(
    from_stage: Stage | None, kinds: tuple[Kind, ...], is_forced: bool, stage: Stage
) -> None:
    assert beginning(from_stage, kinds, is_forced=is_forced) is stage

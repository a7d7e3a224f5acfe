"""Refusals that a change intends, as they are written and as they are counted."""

import re
from dataclasses import replace

import pytest

from ostiary.edge.counters import AttemptKey, EdgeCounters
from ostiary.edge.intended_refusals import EVERY_REFUSAL, REFUSALS, IntendedRefusal, in_words
from ostiary.edge.outcome_rules import settled_answers
from ostiary.edge.route_classes import Arm, Served
from ostiary.kernel.errors import UsageError
from ostiary.kernel.outcomes import Outcome
from tests.unit.edge.test_model import ARM, MODEL


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("token", "`token` names no route and outcome. Write ROUTE:OUTCOME"),
        ("tokn:invalid_scope", "There is no route tokn. Did you mean token?"),
        ("token:invalid_scop", "There is no refusal invalid_scop. Did you mean invalid_scope?"),
        ("token:store_unavailable", "There is no refusal store_unavailable."),
        ("token:ok", "There is no refusal ok."),
        ("", "`` names no route and outcome."),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_can(text: str, says: str) -> None:
    with pytest.raises(UsageError) as caught:
        IntendedRefusal.parse(text)
    assert f"{caught.value.message} {caught.value.hint}".startswith(says)


def test_they_are_told_in_a_stable_order() -> None:
    written = ("token:invalid_scope", "sign_in:locked")
    assert in_words(map(IntendedRefusal.parse, written)) == "sign_in:locked, token:invalid_scope"


def test_no_server_fault_can_be_meant() -> None:
    assert "internal_error" not in REFUSALS
    assert {each.outcome for each in EVERY_REFUSAL} == set(REFUSALS)


def test_only_the_canarys_refusal_on_that_route_needs_no_second_opinion() -> None:
    arm = replace(ARM, intended=(IntendedRefusal("token", "invalid_scope"),))
    model = replace(MODEL, canary=arm)
    said = f"{arm.snapshot}/invalid_scope"
    assert re.fullmatch(settled_answers(model, "token"), said)
    assert not re.fullmatch(settled_answers(model, "introspect"), said)
    assert not re.fullmatch(settled_answers(model, "token"), f"{arm.snapshot}/invalid_client")
    assert not re.fullmatch(settled_answers(model), said)


def test_it_counts_as_a_request_only_in_both_arms() -> None:
    attempts = {
        AttemptKey("token", arm, served, first=True, outcome=Outcome.INVALID_SCOPE): 5
        for arm, served in ((Arm.CANARY, Served.CANARY), (Arm.CONTROL, Served.LAST_GOOD))
    }
    counters = EdgeCounters(attempts=attempts)
    meant = frozenset({IntendedRefusal("token", "invalid_scope")})
    for arm in ("canary", "control"):
        assert counters.strata()["token", arm].refusals == 5
        assert counters.strata(meant)["token", arm].refusals == 0
        assert counters.strata(meant)["token", arm].requests == 5

"""Many changes, one after another, with everything going wrong: what must hold, holds."""

import random
from collections import Counter
from collections.abc import Callable

import pytest

from ostiary.changes import actions, controller
from ostiary.changes.events import Event, GuardRestarted
from ostiary.changes.evidence import Evidence
from ostiary.changes.state import ChangeState, Phase, Step
from tests.simulation.campaigns.campaign import Report, run
from tests.simulation.campaigns.guard import EVIDENCE
from tests.simulation.campaigns.regressions import REGRESSIONS
from tests.simulation.confidence import most_by_chance

FIXED = range(120)
FRESH = 20


def kept(seeds: range) -> list[Report]:
    reports = [run(seed) for seed in seeds]
    broken = {report.seed: report.broken for report in reports if report.broken}
    assert not broken, "run again: make simulate ARGS='--seed N --campaigns 1'"
    return reports


def test_every_promise_is_kept_and_every_way_a_change_can_end_is_seen() -> None:
    reports = kept(FIXED)
    verdicts = sum((report.verdicts for report in reports), Counter())
    assert min(verdicts[each] for each in ("promoted", "refused", "rolled_back", "held")) > 10
    assert sum(report.deaths for report in reports) > 50
    judged = sum(report.judged for report in reports)
    assert judged > 50
    falsely = sum(report.falsely_ended for report in reports)
    assert falsely <= most_by_chance(judged, EVIDENCE.alpha)


def test_every_promise_is_kept_in_campaigns_that_nobody_has_seen_before() -> None:
    first = random.SystemRandom().randrange(10**6, 10**9)
    print(f"seeds {first} to {first + FRESH - 1}")
    kept(range(first, first + FRESH))


@pytest.mark.parametrize("name", REGRESSIONS)
def test_what_was_wrong_once_stays_right(name: str) -> None:
    kept(range(REGRESSIONS[name], REGRESSIONS[name] + 1))


HANDLE = controller.handle


def without(kind: type) -> Callable[[ChangeState, Event, float], Step]:
    """Return a controller that forgets one kind of action."""

    def handle(state: ChangeState, event: Event, now: float) -> Step:
        state, ordered = HANDLE(state, event, now)
        return state, tuple(each for each in ordered if not isinstance(each, kind))

    return handle


def goes_on(state: ChangeState, event: Event, now: float) -> Step:
    """Resume half a change as if the guard had not died."""
    return (state, ()) if isinstance(event, GuardRestarted) else HANDLE(state, event, now)


def is_noticed(found: str) -> bool:
    """Return whether some campaign breaks a promise in these words."""
    seeds = (*REGRESSIONS.values(), *FIXED)
    return any(found in (run(seed).broken or "") for seed in seeds)


@pytest.mark.parametrize(
    ("mistaken", "found"),
    [
        (without(actions.MarkGood), "but last good is"),
        (without(actions.MarkServed), "but good is"),
        (without(actions.StopCandidates), "nothing kept it from stopping"),
        (without(actions.WithdrawCanary), "never ends"),
        (goes_on, "never ends"),
    ],
)
def test_a_controller_with_a_mistake_breaks_a_promise(
    monkeypatch: pytest.MonkeyPatch, mistaken: Callable[..., Step], found: str
) -> None:
    monkeypatch.setattr(controller, "handle", mistaken)
    assert is_noticed(found)


def test_evidence_that_never_decides_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Evidence, "decided", property(lambda _self: False))
    assert is_noticed("and no decision")


def test_a_guard_that_forgets_who_met_the_canary_breaks_a_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(controller, "_COUNTED", tuple(Phase))
    assert is_noticed("nobody counted for a while")

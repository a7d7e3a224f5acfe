import asyncio
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostiary.edge.counter_text import parse_counters
from ostiary.edge.counters import (
    AttemptKey,
    EdgeCounters,
    FinalKey,
    StratumCounts,
    difference,
    total,
)
from ostiary.edge.readings import Readings
from ostiary.edge.route_classes import Arm, Served
from ostiary.kernel.outcomes import Outcome

TEXT = """\
ostiary.attempt.route.sign_in.canary.served.canary.attempt.1.outcome.ok: 80
ostiary.attempt.route.sign_in.canary.served.canary.attempt.1.outcome.login_required: 5
ostiary.attempt.route.sign_in.canary.served.canary.attempt.1.outcome.bad_credentials: 9
ostiary.attempt.route.sign_in.canary.served.canary.attempt.1.outcome.signing_failed: 4
ostiary.attempt.route.sign_in.canary.served.canary.attempt.1.outcome.other: 2
ostiary.attempt.route.sign_in.canary.served.last_good.attempt.2.outcome.ok: 7
ostiary.attempt.route.sign_in.canary.served.last_good.attempt.2.outcome.login_required: 1
ostiary.attempt.route.sign_in.canary.served.last_good.attempt.2.outcome.bad_credentials: 6
ostiary.attempt.route.sign_in.canary.served.last_good.attempt.2.outcome.internal_error: 1
ostiary.attempt.route.sign_in.canary.served.last_good.attempt.1.outcome.internal_error: 30
ostiary.attempt.route.sign_in.control.served.last_good.attempt.1.outcome.ok: 90
ostiary.attempt.route.sign_in.control.served.last_good.attempt.1.outcome.store_unavailable: 10
ostiary.attempt.route.sign_in.control.served.last_good.attempt.2.outcome.ok: 10
ostiary.final.route.sign_in.canary.status.2xx: 99
ostiary.final.route.sign_in.canary.status.5xx: 1
ostiary.final.route.sign_in.control.status.none: 3
ostiary.final.route.hidden.status.4xx: 12
ostiary.final.route..status.4xx: 1
ostiary_total.attempt: 255
ostiary_total.final: 116
cluster.stable.upstream_rq_total: 7
ostiary.duration.route.sign_in.canary.served.canary.attempt.1: P0(1,1) P100(2,2)
"""


def test_strata_are_read_from_what_envoy_prints() -> None:
    strata = parse_counters(TEXT).strata()

    assert strata == {
        ("sign_in", "canary"): StratumCounts(
            requests=100, faults=6, refusals=9, overturned=8, final_failures=1, disagreements=8
        ),
        ("sign_in", "control"): StratumCounts(
            requests=100, faults=10, refusals=0, overturned=10, disagreements=10
        ),
    }


def test_what_was_counted_in_all_and_has_no_name_is_told() -> None:
    complete = parse_counters(TEXT)
    assert complete.unnamed_since(EdgeCounters()) == 0

    attempts = parse_counters(TEXT.replace("attempt: 255", "attempt: 285"))
    assert attempts.unnamed_since(EdgeCounters()) == 30
    both = parse_counters(TEXT.replace("attempt: 255", "attempt: 285").replace(": 116", ": 117"))
    assert both.unnamed_since(EdgeCounters()) == 31
    assert both.unnamed_since(both) == 0
    assert complete.unnamed_since(both) == 0


def test_an_answer_that_broke_off_is_a_failure_that_users_saw() -> None:
    line = "ostiary.final.route.page.canary.status.broken: 3\n"
    assert parse_counters(line).strata()["page", "canary"].final_failures == 3


def test_an_outcome_that_is_not_on_the_list_is_a_fault() -> None:
    line = "ostiary.attempt.route.page.canary.served.canary.attempt.1.outcome.splendid: 3\n"
    assert parse_counters(line).strata()["page", "canary"].faults == 3


def test_text_of_something_else_is_no_counter() -> None:
    assert parse_counters("") == EdgeCounters()
    assert parse_counters("<html>\nostiary.final: x\n: 4\n") == EdgeCounters()


def test_a_difference_is_what_was_counted_since() -> None:
    old = parse_counters(TEXT)
    new = parse_counters(TEXT.replace("outcome.ok: 80", "outcome.ok: 81").replace("255", "256"))

    since = difference(new, old)

    key = AttemptKey("sign_in", Arm.CANARY, Served.CANARY, first=True, outcome=Outcome.OK)
    assert since.attempts == {key: 1}
    assert since.finals == {}
    assert (since.attempts_named, since.attempts_total) == (1, 1)


def test_after_a_restart_everything_is_new() -> None:
    readings = Readings()
    before = _read(readings, pid=7, text=TEXT)
    after = "ostiary.final.route.sign_in.canary.status.2xx: 100\nostiary_total.final: 100\n"

    counted = difference(_read(readings, pid=8, text=after), before)

    assert counted == parse_counters(after)


def test_an_envoy_that_lets_a_listener_go_counts_nothing_twice() -> None:
    readings = Readings()
    before = _read(readings, pid=7, text=TEXT)
    let_go = [line for line in TEXT.splitlines() if not line.endswith((": 7", ": 12"))]

    after = _read(readings, pid=7, text="\n".join(let_go))

    assert after == before


def _read(readings: Readings, pid: int, text: str) -> EdgeCounters:
    async def stats(_: str, *, kind: str) -> str:
        return text

    envoy: Any = SimpleNamespace(admin=SimpleNamespace(stats=stats), record=pid)
    return asyncio.run(readings.counters([envoy]))


def test_counters_that_envoy_lets_go_with_an_old_listener_count_nothing_twice() -> None:
    old = parse_counters(TEXT)
    kept = TEXT.splitlines()
    kept.remove("ostiary.attempt.route.sign_in.canary.served.last_good.attempt.2.outcome.ok: 7")
    kept.remove("ostiary.final.route.hidden.status.4xx: 12")
    let_go = parse_counters("\n".join(kept))

    since = difference(let_go, old)

    assert since.strata() == {}
    assert total([old, since]).unnamed_since(old) == 0


def test_a_counter_that_begins_anew_counts_from_zero_beside_others() -> None:
    old = parse_counters(TEXT)
    new = parse_counters(
        TEXT.replace("attempt.2.outcome.ok: 7", "attempt.2.outcome.ok: 2").replace("255", "257")
    )

    since = difference(new, old)

    key = AttemptKey("sign_in", Arm.CANARY, Served.LAST_GOOD, first=False, outcome=Outcome.OK)
    assert since.attempts == {key: 2}
    assert total([old, since]).unnamed_since(old) == 0


_KEYS = st.builds(
    FinalKey, st.sampled_from(["token", "page"]), st.sampled_from(Arm), st.just("2xx")
)
_COUNTS = st.dictionaries(_KEYS, st.integers(min_value=1, max_value=9))


@given(_COUNTS, _COUNTS)
def test_what_is_added_can_be_taken_away_again(
    first: dict[FinalKey, int], second: dict[FinalKey, int]
) -> None:
    a, b = EdgeCounters(finals=first), EdgeCounters(finals=second)
    assert difference(total([a, b]), a) == b
    assert total([a, EdgeCounters()]) == a

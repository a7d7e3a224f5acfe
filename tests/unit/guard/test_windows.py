"""Windows tell classes and their kinds apart, and read kinds only where they can be compared."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.changes.evidence.counts import Trials
from ostiary.edge.counters import AttemptKey, EdgeCounters, StratumCounts, total
from ostiary.edge.route_classes import Arm, Served, service_strata
from ostiary.edge.service_answers import ServiceAnswer
from ostiary.guard.mint_watch import Minted
from ostiary.guard.windows import WindowReader
from ostiary.kernel.outcomes import Outcome
from ostiary.kernel.request_kinds import Kind

NOTHING = EdgeCounters()
GRANT = "token.client_credentials"


def attempt(
    arm: Arm,
    outcome: Outcome = Outcome.OK,
    *,
    kind: Kind | None = Kind.CLIENT_CREDENTIALS,
    first: bool = True,
    count: int = 1,
) -> EdgeCounters:
    canary = arm in {Arm.CANARY, Arm.PINNED} and first
    served = Served.CANARY if canary else Served.LAST_GOOD
    return EdgeCounters({AttemptKey("token", arm, served, first, outcome, kind): count})


BOTH_NAMED = total([attempt(Arm.PINNED), attempt(Arm.STABLE)])


def reader_that_knows_kinds() -> tuple[WindowReader, EdgeCounters]:
    reader = WindowReader(NOTHING)
    reader.close(BOTH_NAMED)
    return reader, BOTH_NAMED


def strata_of(
    reader: WindowReader, reading: EdgeCounters
) -> dict[str, tuple[ArmCounts, ArmCounts]]:
    windows, _, _ = reader.close(reading)
    return {each.stratum: (each.canary, each.control) for each in windows}


def test_a_kind_is_counted_beside_its_class_and_only_once_in_all():
    reader, before = reader_that_knows_kinds()
    failed = [
        attempt(Arm.CANARY, Outcome.INTERNAL_ERROR, kind=None, count=3),
        attempt(Arm.CANARY, first=False, count=3),
        attempt(Arm.CANARY, kind=Kind.REFRESH_TOKEN, count=50),
        attempt(Arm.CONTROL, count=4),
    ]

    windows, _, hidden = reader.close(total([before, *failed]))

    strata = {each.stratum: (each.canary, each.control) for each in windows}
    assert strata == {
        "token": (ArmCounts(53, faults=3, overturned=3), ArmCounts(4)),
        GRANT: (ArmCounts(3, overturned=3), ArmCounts(4)),
    }, "a kind that the last good version has never named is in its class only"
    assert hidden == reader.hidden == 3
    assert reader.canary.requests == 53


def test_a_kind_is_not_read_before_both_versions_have_named_it():
    reader = WindowReader(NOTHING)
    only_last_good = attempt(Arm.STABLE)
    reader.close(only_last_good)
    both = total([only_last_good, attempt(Arm.CANARY), attempt(Arm.CONTROL)])

    assert strata_of(reader, both).keys() == {"token"}, "named in this very window"

    later = total([both, attempt(Arm.CANARY), attempt(Arm.CONTROL)])
    assert strata_of(reader, later).keys() == {"token", GRANT}


def test_what_an_earlier_canary_named_says_nothing_about_this_one():
    earlier = total([attempt(Arm.CANARY, count=9), attempt(Arm.CONTROL, count=9)])
    reader = WindowReader(earlier)
    reader.close(earlier)

    more = total([earlier, attempt(Arm.CANARY, kind=None), attempt(Arm.CONTROL)])
    reader.close(more)

    assert strata_of(reader, total([more, attempt(Arm.CONTROL)])).keys() == {"token"}


def test_a_change_of_the_edge_only_has_no_kinds():
    reader = WindowReader(NOTHING, by_kind=False)
    reader.close(BOTH_NAMED)
    more = total([BOTH_NAMED, attempt(Arm.CANARY), attempt(Arm.CONTROL)])
    assert strata_of(reader, more).keys() == {"token"}


_REQUESTS = st.lists(
    st.tuples(
        st.sampled_from([Kind.CLIENT_CREDENTIALS, Kind.REFRESH_TOKEN]),
        st.sampled_from([Outcome.OK, Outcome.INVALID_GRANT, Outcome.INTERNAL_ERROR]),
        st.sampled_from([Outcome.OK, Outcome.INVALID_GRANT, Outcome.INTERNAL_ERROR]),
        st.booleans(),
    ),
    max_size=30,
)


@given(requests=_REQUESTS)
def test_a_canary_counts_all_requests_of_a_kind_whether_its_failures_name_it_or_not(requests):
    """What a canary leaves out of its failures changes nothing, since last good names it."""
    attempts: Counter[AttemptKey] = Counter()
    expected: Counter[tuple[Kind, str]] = Counter()
    for kind, first, second, names_failures in requests:
        named = kind if first is Outcome.OK or names_failures else None
        attempts[AttemptKey("token", Arm.CANARY, Served.CANARY, True, first, named)] += 1
        expected[kind, "requests"] += 1
        if first is not Outcome.OK:
            key = AttemptKey("token", Arm.CANARY, Served.LAST_GOOD, False, second, kind)
            attempts[key] += 1
            expected[kind, "overturned"] += second is Outcome.OK

    strata = EdgeCounters(dict(attempts)).strata()

    for kind in (Kind.CLIENT_CREDENTIALS, Kind.REFRESH_TOKEN):
        counts = strata.get((f"token.{kind}", "canary"), StratumCounts())
        assert counts.requests == expected[kind, "requests"]
        assert counts.overturned == expected[kind, "overturned"]
    whole = strata.get(("token", "canary"), StratumCounts())
    assert whole.requests == len(requests)


@given(requests=_REQUESTS)
def test_two_versions_that_behave_alike_have_the_same_counts_in_both_arms(requests):
    """So a kind compares like with like, although refusals of last good are not asked again."""
    attempts: Counter[AttemptKey] = Counter()
    for kind, first, second, _ in requests:
        for arm, own in ((Arm.CANARY, Served.CANARY), (Arm.CONTROL, Served.LAST_GOOD)):
            attempts[AttemptKey("token", arm, own, True, first, kind)] += 1
            if first is Outcome.INTERNAL_ERROR:
                attempts[AttemptKey("token", arm, Served.LAST_GOOD, False, second, kind)] += 1
        if first is Outcome.INVALID_GRANT:
            key = AttemptKey("token", Arm.CANARY, Served.LAST_GOOD, False, first, kind)
            attempts[key] += 1

    strata = EdgeCounters(dict(attempts)).strata()

    for kind in (Kind.CLIENT_CREDENTIALS, Kind.REFRESH_TOKEN):
        name = f"token.{kind}"
        assert strata.get((name, "canary")) == strata.get((name, "control"))


def test_only_the_classes_that_a_change_is_compared_on_are_read() -> None:
    safe, unsafe = service_strata("orders", 1)
    key = AttemptKey(safe, Arm.CANARY, Served.CANARY, True, ServiceAnswer.FAILED)
    again = AttemptKey(safe, Arm.CANARY, Served.LAST_GOOD, False, ServiceAnswer.GOOD)
    beside = AttemptKey(safe, Arm.CONTROL, Served.LAST_GOOD, True, ServiceAnswer.GOOD)
    other = AttemptKey("service_bills_1_safe", Arm.STABLE, Served.LAST_GOOD, True, Outcome.OTHER)
    stable = AttemptKey(unsafe, Arm.STABLE, Served.LAST_GOOD, True, ServiceAnswer.REFUSED)
    made = AttemptKey(unsafe, Arm.CONTROL, Served.LAST_GOOD, True, ServiceAnswer.GOOD)
    seen = EdgeCounters({key: 3, again: 3, beside: 4, other: 5, stable: 6, made: 2})
    reading = total([seen, attempt(Arm.CANARY, Outcome.INTERNAL_ERROR)])
    minted = Minted(Trials(9, 9), Trials(9, 0))
    reader = WindowReader(NOTHING, classes=service_strata("orders", 1))
    reader.close(NOTHING, minted=Minted(Trials(0, 0), Trials(0, 0)))

    windows, _, hidden = reader.close(reading, minted=minted)

    assert windows == (
        StratumWindow(safe, ArmCounts(3, faults=3, overturned=3), ArmCounts(4)),
        StratumWindow(unsafe, ArmCounts(), ArmCounts(2), keeps_control=True),
    )
    assert hidden == 3
    assert reader.stable == ArmCounts(6, refusals=6)
    # A change of identity does not look at services, whatever arms they are in.
    windows, _, hidden = WindowReader(NOTHING).close(seen)
    assert (windows, hidden) == ((), 0)

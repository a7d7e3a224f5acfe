"""What counts as a broken promise, and what is allowed while something is away."""

import pytest

from ostiary.drills.ledger import Came, Entry, Expected
from tests.matrix.moments import Span, spans_where
from tests.matrix.promises import check_change, check_entries, check_exchanges
from tests.matrix.watching import Outages
from tests.matrix.wire import Exchange

DURING = Span(10.0, 20.0)
NEVER: list[Span] = []


def outages(**away: list[Span]) -> Outages:
    names = Outages.__dataclass_fields__
    return Outages(**{name: away.get(name, NEVER) for name in names})


def entry(
    action: str, came: Came, *, expected: Expected = Expected.GRANT, detail: str = ""
) -> Entry:
    ok = came is (Came.GRANTED if expected is Expected.GRANT else Came.REFUSED)
    times = (15.0, 15.0, 16.0)
    return Entry(1, "u-1", action, *times, expected, came, ok, wrong_yes=False, detail=detail)


def broken(one: Entry, away: Outages, no_guard: list[Span] = NEVER) -> list[str]:
    return [found.promise for found in check_entries([one], away, no_guard)]


@pytest.mark.parametrize(
    ("action", "came", "away"),
    [
        ("sign_in", Came.FAULT, "no_replica"),
        ("sign_in", Came.FAULT, "database"),
        ("sign_in", Came.FAULT, "database_locked"),
        ("jwks", Came.FAULT, "no_replica"),
        ("sign_in", Came.NO_ANSWER, "no_envoy"),
        ("sign_in", Came.TIMEOUT, "envoy_paused"),
        ("sign_up", Came.NO_ANSWER, "fewer_envoys"),
    ],
)
def test_users_may_be_kept_waiting_only_while_what_they_need_is_away(action, came, away) -> None:
    one = entry(action, came)
    assert broken(one, outages(**{away: [DURING]})) == []
    assert broken(one, outages(**{away: [Span(17.0, 20.0)]})) == ["served while enough is up"]


@pytest.mark.parametrize(
    ("action", "came", "away"),
    [
        ("jwks", Came.FAULT, "database"),
        ("userinfo", Came.FAULT, "database_locked"),
        ("introspect", Came.FAULT, "database"),
        ("sign_in", Came.NO_ANSWER, "fewer_envoys"),
        ("sign_in", Came.NO_ANSWER, "no_replica"),
        ("sign_in", Came.TIMEOUT, "database"),
        ("sign_in", Came.FAULT, "fewer_replicas"),
        ("sign_in", Came.FAULT, "no_envoy"),
    ],
)
def test_one_thing_away_does_not_excuse_another(action, came, away) -> None:
    assert broken(entry(action, came), outages(**{away: [DURING]})) == ["served while enough is up"]


def test_who_waited_for_an_envoy_may_be_told_that_too_many_sign_in() -> None:
    busy, away = "got HTTP 503, the sign-in page again", outages(no_envoy=[DURING])
    assert broken(entry("sign_in", Came.FAULT, detail=busy), away) == []
    assert broken(entry("sign_in", Came.FAULT, detail=busy), outages()) != []
    assert broken(entry("refresh", Came.FAULT, detail=busy), away) != []


def test_refusals_of_what_is_right_are_never_allowed() -> None:
    everything = outages(**{name: [DURING] for name in Outages.__dataclass_fields__})
    for action, promise in (
        ("sign_in", "no wrong no"),
        ("after_sign_in", "nothing acknowledged is lost"),
        ("refresh", "no family revoked without a reuse"),
    ):
        assert broken(entry(action, Came.REFUSED), everything, [DURING]) == [promise]


def test_grants_of_what_is_wrong_and_others_answers_are_never_allowed() -> None:
    everything = outages(**{name: [DURING] for name in Outages.__dataclass_fields__})
    granted = entry("wrong_password", Came.GRANTED, expected=Expected.REFUSE)
    assert broken(granted, everything, [DURING]) == ["no wrong yes"]
    other = entry("session", Came.WRONG_IDENTITY)
    assert broken(other, everything, [DURING]) == ["no wrong answer"]


def test_only_what_has_just_ended_may_go_on_while_nobody_can_ask_the_database() -> None:
    away = outages(database=[DURING], database_locked=[DURING])
    ended = entry("ended_session", Came.GRANTED, expected=Expected.REFUSE)
    assert broken(ended, away) == []
    assert broken(ended, outages(database_locked=[DURING])) == ["no wrong yes"]
    disabled = entry("disabled_user", Came.GRANTED, expected=Expected.REFUSE)
    assert broken(disabled, away) == ["no wrong yes"]


def test_tokens_are_vouched_for_by_replicas_that_have_been_up_for_a_moment() -> None:
    one = entry("userinfo", Came.FAULT)
    assert broken(one, outages(database=[DURING], fewer_replicas=[DURING])) == []
    assert broken(one, outages(database=[DURING])) == ["served while enough is up"]


def test_what_must_be_refused_may_fail_only_while_something_is_away() -> None:
    one = entry("wrong_password", Came.FAULT, expected=Expected.REFUSE)
    assert broken(one, outages(database=[DURING])) == []
    assert broken(one, outages()) == ["served while enough is up"]


def test_an_operators_command_may_fail_while_the_guard_is_away() -> None:
    one = entry("user_disable", Came.NO_ANSWER)
    assert broken(one, outages(), [DURING]) == []
    assert broken(one, outages(), []) == ["served while enough is up"]
    assert broken(entry("sign_in", Came.NO_ANSWER), outages(), [DURING]) != []


def test_a_bugs_status_and_an_endless_answer_are_never_allowed() -> None:
    def exchange(status: int, seconds: float) -> Exchange:
        return Exchange(Span(15.0, 15.0 + seconds), "GET", "/demo", status, "r-1")

    away = outages(database=[DURING], no_replica=[DURING])
    found = [exchange(500, 1.0), exchange(503, 1.0), exchange(200, 16.0), exchange(0, 16.0)]
    assert [one.promise for one in check_exchanges(found, away)] == [
        "never a status of 500",
        "answers in bounded time",
        "answers in bounded time",
    ]
    assert check_exchanges([exchange(0, 16.0)], outages(envoy_paused=[DURING])) == []


def test_a_change_must_end_without_being_held() -> None:
    assert check_change("promoted", "good") == check_change("rolled_back", "canary") == []
    assert check_change(None, "canary") != []
    assert check_change("held", "canary") != []


def test_spans_reach_from_the_first_sample_to_the_next_good_one() -> None:
    samples = [(1.0, False), (2.0, True), (3.0, True), (4.0, False), (5.0, True)]
    assert spans_where(samples, margin=0.5) == [Span(1.5, 4.5), Span(4.5, 5.5)]

"""Back-off of one seat: quick after a long life, ever slower in a crash loop."""

from ostiary.guard.patience import Patience
from ostiary.guard.seats import LastExit, Replacements, Seat, empty_seats, one_too_many, seated
from tests.unit.guard.groups import replica

EXIT = LastExit("2026-01-01T00:00:00.000Z", "died (exit code 3)")


def pause(seat: Seat, *, alone: bool = False) -> float:
    return seat.due_in(seat.since, alone=alone)


def crash_loop(deaths: int) -> Seat:
    seat = Seat(0.0)
    for _ in range(deaths):
        seat = seat.taken(seat.since).vacated(seat.since + 1, EXIT)
    return seat


def test_a_member_that_served_long_is_followed_at_once():
    assert pause(Seat(0.0).vacated(60.0, EXIT)) == 0


def test_pauses_double_from_half_a_second_to_thirty_seconds():
    assert [pause(crash_loop(deaths)) for deaths in range(1, 9)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_pauses_stay_short_while_nobody_serves():
    assert pause(crash_loop(100), alone=True) == 5


def test_a_start_that_failed_counts_like_a_short_life():
    seat = crash_loop(2).failed(10.0, EXIT)
    assert pause(seat) == 2
    assert seat.restarts == 3


def test_a_life_of_middle_length_keeps_the_streak_and_a_long_one_ends_it():
    seat = crash_loop(3)
    served = seat.taken(100.0)
    assert served.vacated(130.0, EXIT).streak == seat.streak
    assert served.vacated(160.0, EXIT).streak == 0


def test_a_failure_is_news_while_the_pause_grows_and_when_the_words_change():
    patience = Patience(2.0)
    assert [patience.failed("no port") for _ in range(4)] == [
        (0.5, True),
        (1.0, True),
        (2.0, True),
        (2.0, False),
    ]
    assert patience.failed("no disk") == (2.0, True)
    patience.succeeded()
    assert patience.failed("no disk") == (0.5, True)


def test_replacements_in_a_row_come_ever_slower_until_it_was_calm_for_a_while():
    replacements, now, pauses = Replacements(), 0.0, []
    assert replacements.allowed(now)
    for _ in range(8):
        replacements = replacements.one_more(now)
        pause = next(
            each for each in (5, 10, 20, 40, 80, 160, 300) if replacements.allowed(now + each)
        )
        assert not replacements.allowed(now + pause - 0.1)
        pauses.append(pause)
        now += pause
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300]
    assert replacements.one_more(now + 600).allowed(now + 605)


def test_replicas_that_are_found_keep_their_seats_and_two_in_one_are_parted():
    found = [replica(name, "s", seat=seat) for name, seat in (("a", 2), ("b", 0), ("c", 0))]
    assert [(one.name, one.seat) for one in seated(found, 3)] == [("a", 2), ("b", 0), ("c", 1)]
    # Of four for three seats one is to go, and it is one of the two that share theirs.
    crowd = [*found, replica("d", "s", seat=1)]
    assert seated(crowd, 3) == crowd
    assert one_too_many(crowd).name == "b"


def test_empty_seats_have_the_numbers_that_nobody_has():
    assert [seat.number for seat in empty_seats(4, {1, 2}, 2, now=0.0)] == [0, 3]
    assert empty_seats(4, {1, 2}, -1, now=0.0) == []

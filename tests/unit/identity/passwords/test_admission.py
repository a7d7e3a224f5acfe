"""Who may wait for a hash: the decision alone."""

from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.passwords.admission import (
    Admission,
    GateLimits,
    Priority,
    admit,
    next_served,
)

K, O, S = Priority.KNOWN, Priority.OTHER, Priority.SUSPECT  # noqa: E741 - short as a picture
LIMITS = GateLimits(slots=1, queue=3, wait_seconds_max=1.0)
QUEUES = st.lists(st.sampled_from(Priority), max_size=20)
ANYONE = st.sampled_from(Priority)
SECONDS = st.floats(0, 10, allow_nan=False)


def test_while_there_is_room_everybody_may_wait() -> None:
    assert admit([O, S], S, LIMITS, hash_seconds=0.01) == Admission(admitted=True)


def test_in_a_full_queue_the_youngest_of_the_least_trusted_gives_way() -> None:
    assert admit([S, O, S], K, LIMITS, hash_seconds=0.01) == Admission(admitted=True, evicted=2)
    assert admit([S, O, O], O, LIMITS, hash_seconds=0.01) == Admission(admitted=True, evicted=0)


def test_nobody_gives_way_to_their_equal() -> None:
    assert not admit([O, O, K], O, LIMITS, hash_seconds=0.01).admitted
    assert not admit([K, K, K], K, LIMITS, hash_seconds=0.01).admitted


def test_who_would_wait_too_long_hears_so_at_once() -> None:
    assert not admit([O], S, LIMITS, hash_seconds=0.6).admitted
    assert admit([O], K, LIMITS, hash_seconds=0.6).admitted, "nobody is served before it"
    assert admit([], S, LIMITS, hash_seconds=60.0).admitted, "a slow machine still signs people in"


def test_the_most_trusted_are_served_first_and_in_their_order() -> None:
    assert next_served([S, O, K, K], 1) == 2
    assert next_served([S, O, O], 2) == 1


@given(st.integers(0, 1000), st.integers(0, 5))
def test_somebody_is_served_in_the_end_however_many_more_trusted_ones_come(turn, ahead) -> None:
    """The queue holds others before it; whoever is served is followed by a known person."""
    waiting = [*[O] * ahead, S]
    for later in range(turn, turn + 8 * (ahead + 1)):
        waiting = [*waiting, K]
        waiting.pop(next_served(waiting, later))
    assert S not in waiting


@given(QUEUES, ANYONE, SECONDS)
def test_only_a_less_trusted_one_ever_gives_way(waiting, newcomer, seconds) -> None:
    admission = admit(waiting, newcomer, LIMITS, hash_seconds=seconds)
    if admission.evicted is not None:
        assert admission.admitted
        assert waiting[admission.evicted] > newcomer
        assert waiting[admission.evicted] == max(waiting)


@given(QUEUES, ANYONE, SECONDS)
def test_the_queue_never_grows_beyond_its_limit(waiting, newcomer, seconds) -> None:
    admission = admit(waiting, newcomer, LIMITS, hash_seconds=seconds)
    grown = len(waiting) + admission.admitted - (admission.evicted is not None)
    assert grown <= max(LIMITS.queue, len(waiting))


@given(QUEUES, SECONDS)
def test_whoever_is_trusted_more_is_admitted_wherever_one_trusted_less_is(waiting, seconds) -> None:
    admitted = [admit(waiting, each, LIMITS, hash_seconds=seconds).admitted for each in Priority]
    assert admitted == sorted(admitted, reverse=True)


@given(QUEUES, ANYONE, SECONDS, SECONDS)
def test_quicker_hashes_never_send_more_people_away(waiting, newcomer, one, other) -> None:
    quick, slow = sorted((one, other))
    if admit(waiting, newcomer, LIMITS, hash_seconds=slow).admitted:
        assert admit(waiting, newcomer, LIMITS, hash_seconds=quick).admitted

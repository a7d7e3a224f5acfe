"""Who gets which value of a flag, and why."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openfeature.exception import TargetingKeyMissingError

from ostiary.identity.flags import NOBODY, Subject
from ostiary.identity.flags.definition import FlagDefinition
from ostiary.identity.flags.evaluation import Buckets, evaluate
from ostiary.kernel.ids import SeededRandom

BUCKETS = Buckets(b"a secret of the tests")
ADA = Subject("u-ada", frozenset({"staff"}), "mobile")


def flag(**fields):
    return FlagDefinition(default=False, variant=True, **fields)


def result(definition, subject=ADA):
    found = evaluate("new", definition, subject, BUCKETS)
    return found.value, found.variant, str(found.reason)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        (FlagDefinition(default="a"), ("a", "default", "STATIC")),
        (flag(), (False, "default", "STATIC")),
        (flag(percent=100), (True, "variant", "STATIC")),
        (flag(roles=frozenset({"staff"})), (True, "variant", "TARGETING_MATCH")),
        (flag(roles=frozenset({"boss"})), (False, "default", "DEFAULT")),
        (flag(clients=frozenset({"mobile"})), (True, "variant", "TARGETING_MATCH")),
        (flag(clients=frozenset({"web"})), (False, "default", "DEFAULT")),
        (
            flag(roles=frozenset({"boss"}), clients=frozenset({"mobile"})),
            (True, "variant", "TARGETING_MATCH"),
        ),
        (flag(roles=frozenset({"staff"}), percent=1e-9), (True, "variant", "TARGETING_MATCH")),
        (flag(roles=frozenset({"boss"}), percent=1e-9), (False, "default", "SPLIT")),
        (flag(percent=99.9999999), (True, "variant", "SPLIT")),
        (flag(percent=100, off=True), (False, "default", "DISABLED")),
        (flag(roles=frozenset({"staff"}), off=True), (False, "default", "DISABLED")),
    ],
)
def test_a_flag_is_resolved_with_the_reason_of_the_specification(definition, expected):
    assert result(definition) == expected


def test_nobody_can_be_drawn_but_everybody_and_nobody_need_no_draw():
    with pytest.raises(TargetingKeyMissingError):
        result(flag(percent=50), NOBODY)
    assert result(flag(percent=100), NOBODY)[0] is True
    assert result(flag(roles=frozenset({"staff"})), NOBODY)[0] is False
    assert result(flag(off=True, percent=50), NOBODY)[0] is False


@given(key=st.text(min_size=1), name=st.text(min_size=1), low=st.floats(0, 100))
def test_a_key_stands_at_the_same_place_for_ever(key, name, low):
    position = BUCKETS.position(name, key)
    assert 0 <= position < 100
    assert position == Buckets(b"a secret of the tests").position(name, key)
    assert (BUCKETS.position(name, key) < low) <= (position < (low + 100) / 2)


@given(keys=st.sets(st.text(min_size=1), min_size=1, max_size=30), percents=st.data())
def test_the_users_of_a_smaller_percentage_are_among_those_of_a_larger_one(keys, percents):
    low, high = sorted(percents.draw(st.tuples(st.floats(0.1, 100), st.floats(0.1, 100))))

    def drawn(percent):
        who = (Subject(key) for key in keys)
        return {one.key for one in who if result(flag(percent=percent), one)[0]}

    assert drawn(low) <= drawn(high)


RANDOM = SeededRandom("users of a flag")
USERS = [f"u-{RANDOM.hex(6)}" for _ in range(20_000)]


def chi_square(counts, expected):
    return sum((count - expected) ** 2 / expected for count in counts)


def test_users_are_spread_evenly():
    counts = [0] * 100
    for user in USERS:
        counts[int(BUCKETS.position("new", user))] += 1
    # 99 degrees of freedom: more than 148 has a probability of 0.001, and the draw is fixed.
    assert chi_square(counts, len(USERS) / 100) < 148


def test_who_is_drawn_for_one_flag_says_nothing_about_another():
    tables = dict.fromkeys(itertools.product(range(10), repeat=2), 0)
    for user in USERS:
        cell = (int(BUCKETS.position("a", user) / 10), int(BUCKETS.position("b", user) / 10))
        tables[cell] += 1
    assert chi_square(tables.values(), len(USERS) / 100) < 148


def test_another_secret_draws_others():
    other = Buckets(b"another secret")
    both = sum(
        BUCKETS.position("new", user) < 50 and other.position("new", user) < 50 for user in USERS
    )
    assert 0.24 < both / len(USERS) < 0.26


def test_names_and_keys_cannot_be_mixed_up():
    assert BUCKETS.position("a", "bc") != BUCKETS.position("ab", "c")
    assert BUCKETS.position("a", "\ud800") != BUCKETS.position("a", "\ud801")

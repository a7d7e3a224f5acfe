"""What is said about load that cannot be carried, and when nothing is said."""

import pytest

from ostiary.changes.checks import check_configuration, check_file
from ostiary.changes.configuration import Configuration, parse_configuration
from ostiary.changes.load.keys import KeySkew
from ostiary.changes.load.known import NO_LOAD_KNOWN, KnownLoad
from ostiary.changes.rules.load import load_table
from ostiary.changes.rules.surroundings import NOTHING_KNOWN, Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.kernel.settings import SettingsError, parse_document

THREE = "[identity]\nreplicas = 3\n[edge]\n"
STATED = THREE + "capacity = 45.0\npeak = 60.0\n"
QUIET = KnownLoad(capacity=45.0, busiest_minute=10.0)


def configuration(text: str) -> Configuration:
    return parse_configuration(parse_document(text, file="ostiary.toml"))


def codes(text: str, last_good: str | None = None, load: KnownLoad = NO_LOAD_KNOWN) -> list[str]:
    served = None if last_good is None else configuration(last_good).snapshot_settings
    found = check_configuration(configuration(text), Surroundings(last_good=served, load=load))
    return [problem.code for problem in found]


def test_four_fifths_for_one_replica_is_refused_by_name(tmp_path) -> None:
    file = tmp_path / "ostiary.toml"
    file.write_text(STATED + "weights = [80, 10, 10]\n")

    first, *others = check_file(file)

    assert (first.line, first.key, first.code) == (6, "edge.weights", "replica_overloaded")
    assert first.message == (
        "Replica 1 of 3 would have a utilisation of 1.07: 80 % of 60 sign-ins a second at the peak "
        "are 48, and it can do 45; at most 0.7 is accepted."
    )
    assert first.hint == ("Write `weights = [1, 1, 1]`, in proportion to what each replica can do.")
    assert [problem.code for problem in others] == [
        "replica_overloaded_one_lost",
        "replica_over_mean",
        "load_unfair",
    ]


@pytest.mark.parametrize(
    ("text", "code", "key", "message", "hint"),
    [
        (
            THREE + "weights = [0, 0, 0]\n",
            "weight_is_zero",
            "edge.weights",
            "`edge.weights` holds a 0, but every replica gets requests.",
            "Write at least 1. To do without a replica, lower `identity.replicas`.",
        ),
        (
            THREE + "weights = [1, 1]\n",
            "weights_not_one_each",
            "edge.weights",
            "`edge.weights` has 2 weights, but `identity.replicas` is 3.",
            (
                "Write one weight for each replica, for example `weights = [1, 1, 1]`, or remove "
                "`weights` for equal ones."
            ),
        ),
        (
            THREE + "capacity = [45.0]\n",
            "capacities_not_one_each",
            "edge.capacity",
            "`edge.capacity` has 1 number, but `identity.replicas` is 3.",
            "Write one number for all replicas, or a list with one for each.",
        ),
        (
            STATED + 'balancer = "random"\nweights = [2, 1, 1]\n',
            "weights_passed_over",
            "edge.weights",
            "`edge.weights` is [2, 1, 1], but `random` takes no heed of weights.",
            'Write `balancer = "round_robin"`, or remove `weights`.',
        ),
        (
            THREE + "peak = 60.0\nweights = [2, 1, 1]\n",
            "capacity_unknown",
            "edge.capacity",
            (
                "How many sign-ins a second a replica can do is neither stated nor measured, so "
                "nobody can say whether this spread of load can be carried."
            ),
            (
                "Write `capacity`, for example `capacity = 45.0`, or measure it on the running "
                "system with `ostiary bench capacity`."
            ),
        ),
        (
            THREE + "capacity = [40.0, 20.0, 20.0]\nweights = [2, 1, 1]\n",
            "peak_unknown",
            "edge.peak",
            (
                "How many sign-ins a second come at most is not stated, and no busy minute is on "
                "record, so nobody can say whether this spread of load can be carried."
            ),
            (
                "Write `peak`, for example `peak = 60.0`: sign-ins a second at all replicas "
                "together in the busiest minute."
            ),
        ),
    ],
)
def test_each_wrong_file_has_one_problem_in_these_words(text, code, key, message, hint) -> None:
    (problem,) = check_configuration(configuration(text))
    assert (problem.code, problem.key) == (code, key)
    assert (problem.message, problem.hint) == (message, hint)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('balancer = "maglve"', '`edge.balancer` is `"maglve"`; did you mean `maglev`?'),
        ("peak = 0", "`edge.peak` is `0`; it must be greater than 0."),
        ("capacity = 0", "`edge.capacity` is `0`; it must be greater than 0."),
        ("weights = [129]", "`edge.weights[0]` is `129`; it must be less than or equal to 128."),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_when_it_is_read(text, message) -> None:
    with pytest.raises(SettingsError) as caught:
        configuration(f"[edge]\n{text}\n")
    assert [problem.message for problem in caught.value.problems] == [message]


def test_the_defaults_are_never_refused_for_what_nobody_knows() -> None:
    assert check_configuration(Configuration(), NOTHING_KNOWN) == ()
    assert codes("", "") == []
    assert codes("[identity]\nsign_up = false\n", "") == []


@pytest.mark.parametrize(
    "text",
    [
        '[edge]\nbalancer = "maglev"\n',
        "[edge]\nweights = [3, 2]\n",
        "[identity]\nhash_time_cost = 3\n",
    ],
)
def test_what_touches_the_spread_of_load_needs_figures(text) -> None:
    assert codes(text, "") == ["capacity_unknown", "peak_unknown"]


@pytest.mark.parametrize(
    "text",
    [
        "[edge]\nweights = [5, 5]\n",
        "[identity]\nreplicas = 3\n",
        '[edge]\nstatus_url = "https://status.example.com"\n',
    ],
)
def test_what_does_not_touch_it_needs_none(text) -> None:
    assert codes(text, "") == []


def test_fewer_replicas_need_figures_and_more_do_not() -> None:
    assert codes("[identity]\nreplicas = 3\n", "[identity]\nreplicas = 4\n") == [
        "capacity_unknown",
        "peak_unknown",
    ]
    assert codes("[identity]\nreplicas = 4\n", "[identity]\nreplicas = 3\n") == []


def test_fewer_hashes_at_once_need_figures() -> None:
    text = "[identity]\nhash_concurrency = {}\n"
    unknown = ["capacity_unknown", "peak_unknown"]
    assert codes(text.format(1), text.format(2)) == unknown
    assert codes(text.format(2), "") == unknown
    assert codes(text.format(2), text.format(1)) == []


def test_a_release_of_a_system_with_weights_is_not_refused_when_the_record_is_forgotten() -> None:
    weighted = THREE + "weights = [4, 3, 3]\n"
    assert codes(weighted, weighted) == []
    assert "capacity_unknown" in codes(weighted)


def test_a_system_that_is_too_small_already_still_takes_what_does_not_make_it_worse() -> None:
    surge = KnownLoad(capacity=10.0, busiest_minute=50.0)
    assert codes("[identity]\nsign_up = false\n", "", surge) == []
    slower = KnownLoad(capacity=10.0, candidate_capacity=8.0, busiest_minute=50.0)
    assert codes("[identity]\nsign_up = false\n", "", slower) == [
        "replica_overloaded",
        "replica_overloaded_one_lost",
        "canary_overloaded",
    ]


def test_a_release_that_is_slower_passes_while_there_is_room() -> None:
    slower = KnownLoad(capacity=45.0, candidate_capacity=30.0, busiest_minute=10.0)
    assert codes("", "", slower) == []


def test_hashes_that_cost_more_are_held_against_the_busiest_minute_on_record() -> None:
    dear = "[identity]\nhash_time_cost = 8\n"
    assert codes(dear, "", KnownLoad(45.0, None, 5.0)) == []
    found = check_configuration(
        configuration(dear),
        Surroundings(last_good=SnapshotSettings(), load=KnownLoad(45.0, None, 12.0)),
    )
    assert [problem.code for problem in found] == [
        "replica_overloaded",
        "replica_overloaded_one_lost",
        "canary_overloaded",
    ]
    assert {problem.key for problem in found} == {"identity.hash_time_cost"}


def test_more_replicas_on_one_machine_are_not_taken_for_more_capacity() -> None:
    table = load_table(
        configuration("[identity]\nreplicas = 4\n"),
        Surroundings(last_good=SnapshotSettings(), load=QUIET),
    )
    # Two did 45 each, so four do 22.5 each; the peak is 15.
    assert [row["utilisation"] for row in table] == [round(15 / 4 / 22.5, 4)] * 4


def test_fewer_replicas_with_stated_hashes_do_no_more_each() -> None:
    text = "[identity]\nreplicas = {}\nhash_concurrency = 1\n"
    served = configuration(text.format(3)).snapshot_settings
    table = load_table(configuration(text.format(2)), Surroundings(last_good=served, load=QUIET))
    assert [row["utilisation"] for row in table] == [round(15 / 2 / 45, 4)] * 2


def test_a_share_may_grow_by_half_in_one_change_and_no_more() -> None:
    served = THREE + "capacity = 450.0\npeak = 60.0\n"
    assert codes(served + "weights = [6, 5, 5]\n", served) == []
    (problem, *_) = [
        each
        for each in check_configuration(
            configuration(served + "weights = [4, 1, 1]\n"),
            Surroundings(last_good=configuration(served).snapshot_settings),
        )
        if each.code == "share_grows_at_once"
    ]
    assert problem.message == (
        "Replica 1 of 3 would go from 33.3 % of the sign-ins to 66.7 % in one change, 2.00 "
        "times as much; at most 1.5 times is accepted."
    )


@pytest.mark.parametrize(
    ("before", "after", "hint"),
    [
        (5, 2, "Go in steps: write `replicas = 4` first."),
        (2, 1, "Keep 2 replicas: nobody could take over from the last one."),
    ],
)
def test_seats_that_disappear_make_the_others_grow(before, after, hint) -> None:
    text = "[identity]\nreplicas = {}\n[edge]\ncapacity = 450.0\npeak = 60.0\n"
    served = configuration(text.format(before)).snapshot_settings
    (problem,) = check_configuration(
        configuration(text.format(after)), Surroundings(last_good=served)
    )
    assert (problem.code, problem.key) == ("share_grows_at_once", "identity.replicas")
    assert problem.hint == hint


def test_hash_balancing_of_a_few_heavy_addresses_is_refused_with_what_would_pass() -> None:
    text = STATED + 'balancer = "maglev"\n'
    found = check_configuration(configuration(text))
    assert {problem.code for problem in found} >= {"replica_over_mean", "load_unfair"}
    assert {problem.hint for problem in found} == {
        (
            'Write `balancer = "round_robin"`. Where requests are known to fall more evenly, state '
            "`key_skew` and `hash_keys`."
        )
    }
    assert codes(text + "key_skew = 0.2\nhash_keys = 50000\n") == []


def test_a_skew_that_was_learnt_counts_where_none_is_stated() -> None:
    text = STATED + 'balancer = "maglev"\n'
    assert codes(text, load=KnownLoad(keys=KeySkew(0.2, 50_000))) == []
    assert "load_unfair" in codes(
        text + "key_skew = 1.5\n", load=KnownLoad(keys=KeySkew(0.2, 50_000))
    )


def test_the_canary_is_said_to_be_too_small_from_its_first_step_that_is() -> None:
    (problem,) = [
        each
        for each in check_configuration(
            configuration(THREE + "capacity = 45.0\npeak = 300.0\n[guard]\nsteps = [10, 40, 100]\n")
        )
        if each.code == "canary_overloaded"
    ]
    assert problem.message == (
        "From the step of 40 % on, the canary would get 120 sign-ins a second at the peak; its 3 "
        "replicas can take 94.5."
    )
    assert problem.hint == "Write `replicas = 10` in `[identity]`, without unequal `weights`."


def test_the_table_names_what_each_replica_gets() -> None:
    found = load_table(configuration(STATED + "weights = [8, 1, 1]\n"), NOTHING_KNOWN)
    assert list(found) == [
        {
            "replica": "identity-1",
            "share": 0.8,
            "utilisation": 1.0667,
            "utilisation_one_lost": 1.1852,
        },
        *(
            {
                "replica": f"identity-{seat}",
                "share": 0.1,
                "utilisation": 0.1333,
                "utilisation_one_lost": 0.6667,
            }
            for seat in (2, 3)
        ),
    ]


def test_the_table_has_shares_without_figures_and_nothing_for_weights_of_others() -> None:
    row = {
        "replica": "identity-1",
        "share": 0.5,
        "utilisation": None,
        "utilisation_one_lost": None,
    }
    assert next(load_table(Configuration(), NOTHING_KNOWN)) == row
    assert not [*load_table(configuration("[edge]\nweights = [1]\n"), NOTHING_KNOWN)]

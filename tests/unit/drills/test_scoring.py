import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.drills.facts import DrillFacts
from ostiary.drills.ledger import Came, Entry, Expected, Ledger, Run, judge
from ostiary.drills.scoring import achieved_rate, affected_users, harmed, score
from ostiary.drills.void_rules import require_well
from ostiary.kernel.errors import OstiaryError

START = 1000.0
RATE = 10.0


def entry(number, came=Came.GRANTED, *, at=None, took=0.1, user=None, expected=Expected.GRANT):
    """Return the action of visit `number`, which comes at its place in the open loop."""
    intended = START + (number / RATE if at is None else at)
    ok, wrong_yes = judge(expected, came, took)
    return Entry(
        visit=number,
        user=user or f"u-{number % 20}",
        action="sign_in",
        intended=intended,
        started=intended,
        ended=intended + took,
        expected=expected,
        came=came,
        ok=ok,
        wrong_yes=wrong_yes,
        detail="",
    )


def ledger(entries, *, seconds=60.0):
    return Ledger(Run(START, RATE, seconds, 7, 20), tuple(entries), START + seconds)


def outage(begins, ends, *, share=lambda number: number % 20 < 15, seconds=60):
    """Return a minute in which users of a share fail between two times."""
    return [
        entry(
            number,
            Came.FAULT if begins <= number / RATE < ends and share(number) else Came.GRANTED,
        )
        for number in range(int(seconds * RATE))
    ]


def facts(**known):
    return DrillFacts(drill="seed-000", mode=known.pop("mode", "unguarded"), **known)


def test_a_healthy_run_has_nobody_affected_and_no_times():
    result = score(ledger(outage(0, 0)), facts(fault_at=START + 20))

    assert result.users_total == 20
    assert result.users_affected == 0
    assert result.actions_failed == 0
    assert result.detected_after_s is None
    assert result.restored_after_s is None
    assert not result.void


def test_users_are_counted_once_however_often_they_fail():
    result = score(ledger(outage(20, 60)), facts(fault_at=START + 20))

    assert result.users_affected == 15
    assert result.actions_failed == 300


def test_an_outage_that_ends_has_a_time_to_restore():
    result = score(ledger(outage(20, 40)), facts(fault_at=START + 20))

    # t0 is the first bad answer, at 20.1 s; the last bad visit comes at 39.4 s.
    assert result.restored_after_s == pytest.approx(39.5 - 20.1)


def test_an_outage_that_never_ends_was_not_restored():
    result = score(ledger(outage(20, 60)), facts(fault_at=START + 20))

    assert result.restored_after_s is None


def test_an_outage_that_ends_less_than_a_window_before_the_traffic_was_not_restored():
    assert score(ledger(outage(20, 52)), facts(fault_at=START + 20)).restored_after_s is None


def test_one_failure_begins_the_window_anew():
    entries = outage(20, 30)
    entries[350] = entry(350, Came.TIMEOUT)

    result = score(ledger(entries), facts(fault_at=START + 20))

    assert result.restored_after_s == pytest.approx(35.1 - 20.1)


def test_success_before_the_fault_is_the_measure():
    failing_before = set(range(0, 200, 10))
    entries = [
        entry(
            number, Came.FAULT if number in failing_before or 200 <= number < 300 else Came.GRANTED
        )
        for number in range(600)
    ]
    entries[350] = entry(350, Came.FAULT)

    result = score(ledger(entries), facts(fault_at=START + 20))

    # One failure in ten is what there was before: a window with ten of a hundred is good enough.
    assert result.restored_after_s == pytest.approx(29.1 - 20.1)


def test_windows_count_by_when_users_came():
    entries = outage(0, 0)
    entries[200] = entry(200, Came.TIMEOUT, took=5.0)

    result = score(ledger(entries), facts(fault_at=START + 20))

    assert result.restored_after_s == 0.0, "who came after the first bad answer was served"


def test_an_idle_stretch_is_no_restoration():
    entries = [each for each in outage(20, 30) if not START + 30 <= each.intended < START + 55]

    assert score(ledger(entries), facts(fault_at=START + 20)).restored_after_s is None


def test_slow_and_wrong_answers_affect_their_users():
    entries = outage(0, 0)
    entries[300] = entry(300, took=5.5, user="slow")
    entries[301] = entry(301, Came.WRONG_IDENTITY, user="mistaken")
    entries[302] = entry(302, Came.WRONG_CONTENT, user="misled")

    assert affected_users(entries) == {"slow", "mistaken", "misled"}


def test_the_first_harm_of_a_few_users_is_told():
    entries = [
        entry(0, user="never harmed"),
        entry(1, came=Came.FAULT, at=5.0, user="early"),
        entry(2, came=Came.REFUSED, at=9.0, user="early"),
        entry(3, took=7.5, at=12.5, user="slow"),
        *(entry(number, came=Came.FAULT, at=20.0, user=f"u-{number}") for number in range(4, 9)),
    ]

    told = harmed(entries, START + 10)

    assert len(told) == 5
    assert told[0].startswith("harmed: early, sign_in, 5.0 s before the fault: fault after 0.1 s")
    assert told[1].startswith("harmed: slow, sign_in, 2.5 s after the fault: granted after 7.5 s")


def test_a_wrong_yes_is_counted_apart_and_affects_nobody():
    entries = outage(0, 0)
    entries[300] = entry(300, expected=Expected.REFUSE)

    result = score(ledger(entries), facts(fault_at=START + 20))

    assert result.wrong_yes == 1
    assert result.actions_failed == 1
    assert result.users_affected == 0


def test_a_wrong_yes_is_an_answer_that_the_fault_influenced():
    entries = outage(0, 0)
    entries[300] = entry(300, expected=Expected.REFUSE)

    result = score(ledger(entries), facts(fault_at=START + 20, detected_at=START + 31.1))

    assert result.detected_after_s == pytest.approx(1.0)


def test_a_right_refusal_is_no_failure():
    entries = outage(0, 0)
    entries[300] = entry(300, Came.REFUSED, expected=Expected.REFUSE)

    assert score(ledger(entries), facts()).actions_failed == 0


def test_a_user_who_only_mistyped_is_not_in_the_total():
    entries = [*outage(0, 0), entry(1, Came.REFUSED, expected=Expected.REFUSE, user="other")]

    assert score(ledger(entries), facts()).users_total == 20


def test_a_hidden_attempt_starts_the_clock_as_well():
    hidden_at = START + 25
    result = score(
        ledger(outage(0, 0)),
        facts(
            mode="guarded",
            from_stage="canary",
            fault_at=START + 20,
            first_hidden_at=hidden_at,
            hidden=4,
            detected_at=hidden_at + 1.5,
        ),
    )

    assert result.detected_after_s == pytest.approx(1.5)
    assert result.restored_after_s == 0.0
    assert not result.void


def test_failures_before_the_fault_do_not_start_the_clock():
    entries = outage(5, 6)

    result = score(ledger(entries), facts(fault_at=START + 20, detected_at=START + 30))

    assert result.detected_after_s is None
    assert result.users_affected > 0, "but they are failures all the same"


def test_what_was_known_before_the_first_user_felt_it_counts_as_at_once():
    result = score(ledger(outage(20, 40)), facts(fault_at=START + 18, detected_at=START + 19))

    assert result.detected_after_s == 0.0


def test_without_a_hidden_attempt_a_run_from_canary_is_void():
    result = score(
        ledger(outage(0, 0)),
        facts(mode="guarded", from_stage="canary", fault_at=START + 20, hidden=0),
    )

    assert result.void_reasons == ("no hidden failed attempts",)


def test_a_run_that_was_refused_before_canary_needs_no_hidden_attempt():
    known = facts(mode="guarded", from_stage=None, stage="rehearse", fault_at=START + 20, hidden=0)

    assert not score(ledger(outage(0, 0)), known).void


def test_a_generator_that_kept_only_half_the_rate_makes_the_run_void():
    entries = outage(0, 0)[::2]

    result = score(ledger(entries), facts())

    assert achieved_rate(ledger(entries)) == pytest.approx(0.5, abs=0.01)
    assert result.void_reasons == ("traffic below 90 % of its rate",)


def test_a_generator_that_needed_longer_makes_the_run_void():
    record = ledger(outage(0, 0))

    late = Ledger(record.run, record.entries, START + 70)

    assert score(late, facts()).void_reasons == ("traffic below 90 % of its rate",)


def test_a_generator_that_died_makes_the_run_void():
    record = ledger(outage(0, 0))

    assert score(Ledger(record.run, record.entries, None), facts()).void


def test_traffic_that_ended_before_the_fault_makes_the_run_void():
    record = ledger(outage(0, 0, seconds=15), seconds=15.0)

    assert score(record, facts(fault_at=START + 20)).void_reasons == ("no traffic after the fault",)


def test_a_fault_that_could_not_be_injected_makes_the_run_void():
    assert score(ledger(outage(0, 0)), facts(injected=False)).void


def test_an_empty_ledger_is_void_and_gives_no_error():
    result = score(ledger([]), facts(fault_at=START + 20, first_hidden_at=START + 21))

    assert result.void
    assert result.restored_after_s is None


def test_a_service_that_was_not_well_before_the_fault_makes_the_run_void():
    entries = outage(5, 6)

    result = score(ledger(entries), facts(fault_at=START + 20))

    assert result.void_reasons == ("the service failed users before the fault",)


def test_a_service_that_fails_its_users_is_told_before_the_fault_is_let_loose():
    one_in_a_hundred = outage(0, 60, share=lambda number: number % 100 == 0)
    require_well(one_in_a_hundred)
    require_well([])

    with pytest.raises(OstiaryError, match=r"failed 7 of 600 actions .* too busy"):
        require_well([*one_in_a_hundred[:-1], entry(599, Came.REFUSED)])


def test_what_is_refused_rightly_fails_nobody():
    require_well([entry(number, Came.REFUSED, expected=Expected.REFUSE) for number in range(9)])


def test_a_drill_that_could_not_be_run_says_why_and_nothing_else():
    result = score(ledger([]), facts(failure="port 80 is taken"))

    assert result.void_reasons == ("it could not be run: port 80 is taken",)


FROM_CANARY = {"mode": "guarded", "from_stage": "canary", "fault_at": START + 20, "hidden": 0}


@pytest.mark.parametrize(
    ("proof", "known", "missing"),
    [
        ("second_opinion", {"hidden": 3}, None),
        ("second_opinion", {"hidden": None}, "no hidden failed attempts"),
        ("journeys", {"reasons": (("journeys_failed", "No."),)}, None),
        ("journeys", {"hidden": 3}, "no journey that failed on the canary"),
        ("journeys", {"reasons": (("harm", "Yes."),)}, "no journey that failed on the canary"),
        ("load", {"reasons": (("replica_overloaded", "Seat 0."),)}, None),
        ("load", {"hidden": 9}, "no replica that was found overloaded"),
    ],
)
def test_a_run_from_canary_needs_the_proof_that_something_held_it_off(proof, known, missing):
    result = score(ledger(outage(0, 0)), facts(**(FROM_CANARY | known), proof=proof))

    assert result.void_reasons == (() if missing is None else (missing,))


def test_visits_count_while_an_injected_fault_was_in_effect():
    known = facts(fault_at=START + 19, effect_at=START + 20, removed_at=START + 30)
    # Whoever came last while it was there waits for long after it has gone.
    result = score(ledger(outage(20, 32)), known)

    assert (result.visits_during, result.visits_failed) == (100, 75)
    assert result.influenced_at == pytest.approx(START + 20.1)
    assert score(ledger(outage(0, 0)), known).influenced_at is None


def test_visits_count_from_the_first_bad_answer_until_all_was_well():
    result = score(ledger(outage(20, 40)), facts(fault_at=START + 20))

    # From 20.1 s, the first bad answer, to 39.5 s, when the last bad visit had come.
    assert (result.visits_during, result.visits_failed) == (194, 149)
    assert result.visits_share == pytest.approx(149 / 194)


def test_a_visit_counts_once_however_many_of_its_actions_fail():
    entries = outage(20, 60)
    more = [entry(300, Came.FAULT), entry(300, Came.TIMEOUT), entry(301)]
    known = facts(fault_at=START + 20)

    once, again = score(ledger(entries), known), score(ledger([*entries, *more]), known)

    assert (again.visits_during, again.visits_failed) == (once.visits_during, once.visits_failed)


def test_the_cause_is_correct_only_when_it_is_the_expected_one():
    assert score(ledger([]), facts()).correct is None
    known = {"expected_cause": "change:c-1"}
    assert score(ledger([]), facts(top_cause="change:c-1", **known)).correct is True
    assert score(ledger([]), facts(top_cause="database", **known)).correct is False


def test_the_result_has_the_fields_of_the_command():
    document = score(ledger(outage(20, 40)), facts(fault_at=START + 20)).to_json()

    assert list(document) == [
        "drill",
        "mode",
        "from",
        "expected_cause",
        "stage",
        "verdict",
        "users",
        "actions",
        "detected_after_s",
        "named_after_s",
        "restored_after_s",
        "top_cause",
        "correct",
        "rule_outs",
        "rolled_back",
        "void",
        "void_reasons",
        "visits",
        "reasons",
    ]
    assert document["users"] == {"total": 20, "affected": 15}
    assert document["actions"] == {"total": 600, "failed": 150, "hidden": None, "wrong_yes": 0}


@given(
    st.lists(st.sampled_from([Came.GRANTED, Came.FAULT]), max_size=400),
    st.floats(0, 40),
)
def test_restoration_is_what_trying_every_window_gives(results, fault_after):
    entries = [entry(number, came) for number, came in enumerate(results)]
    known = facts(fault_at=START + fault_after)

    result = score(ledger(entries), known).restored_after_s

    bad = [e.ended for e in entries if not e.ok and e.ended >= START + fault_after]
    assert result == (pytest.approx(slowly_restored(entries, bad, START + fault_after)))


def slowly_restored(entries, bad, fault_at):
    if not bad:
        return None
    t0 = min(bad)
    before = [e.ok for e in entries if e.intended < fault_at]
    baseline = sum(before) / len(before) if before else 1.0
    for start in [t0, *(e.intended for e in entries if e.intended >= t0)]:
        inside = [e.ok for e in entries if max(start, t0) <= e.intended < start + 10]
        whole = any(e.intended >= start + 10 for e in entries)
        if whole and len(inside) >= 50 and sum(inside) / len(inside) >= baseline:
            return start - t0
    return None

from ostiary.drills.facts import DrillFacts
from ostiary.drills.joined import OtherTraffic, joined, others_achieved
from ostiary.drills.ledger import Came, Expected
from ostiary.drills.scoring import achieved_rate, affected_users, score
from tests.unit.drills.test_scoring import entry, ledger


def users(*entries, seconds=60.0):
    return OtherTraffic(ledger(entries, seconds=seconds), are_users=True)


def attackers(*entries, seconds=60.0):
    return OtherTraffic(ledger(entries, seconds=seconds), are_users=False)


def guess(number, came):
    return entry(number, came, expected=Expected.REFUSE)


def test_others_who_are_users_count_as_users_do():
    both = joined(
        ledger([entry(0, user="a")]),
        [users(entry(0, Came.FAULT, user="b"), entry(1, user="c")), users(entry(0, user="d"))],
    )

    assert affected_users(both.entries) == {"b"}
    assert {each.user for each in both.entries} == set("abcd")
    assert len({each.visit for each in both.entries}) == 4, "each visit has a number of its own"


def test_attackers_count_only_where_they_are_let_in():
    both = joined(
        ledger([entry(0)]),
        [attackers(guess(0, Came.REFUSED), guess(1, Came.FAULT), guess(2, Came.GRANTED))],
    )

    assert [each.wrong_yes for each in both.entries] == [False, True]
    assert score(both, DrillFacts("ours", "guarded")).wrong_yes == 1
    assert affected_users(both.entries) == frozenset()


def test_the_visits_of_others_do_not_make_up_for_those_that_a_slow_generator_left_out():
    few = ledger([entry(number) for number in range(0, 600, 2)])
    many = users(*(entry(number) for number in range(600)))

    assert achieved_rate(joined(few, [many])) == achieved_rate(few) == 0.5


def test_others_who_come_too_slowly_make_a_run_void():
    slow = attackers(*(guess(number, Came.REFUSED) for number in range(0, 600, 2)))
    quick = users(*(entry(number) for number in range(600)))
    all_came = ledger([entry(number) for number in range(600)])

    assert others_achieved([]) == 1.0
    assert others_achieved([quick, slow]) == 0.5
    facts = DrillFacts("ours", "guarded", others_achieved=others_achieved([slow]))
    assert score(all_came, facts).void_reasons == ("traffic below 90 % of its rate",)
    assert not score(all_came, DrillFacts("ours", "guarded")).void

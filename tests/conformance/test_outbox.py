"""What `Outbox` and `Deliveries` promise, on every store."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from ostiary.identity.mail.deliveries import LEASE_SECONDS, Deliveries
from ostiary.identity.mail.model import ClaimedMail, Kind, Letter
from ostiary.identity.mail.outbox import A_DAY_MAX, HELD_SECONDS, Outbox
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import mails
from tests.conformance.identity_rows import FIRST, LAST_GOOD, NOW, first, second

DUE = NOW + HELD_SECONDS


def letter(body: str = "Hello.", kind: Kind = Kind.WELCOME) -> Letter:
    return Letter(kind=kind, recipient="ada@example.org", subject="Hi", body=body)


def add(
    store: Store, attempt: Attempt, written: Letter | None = None, *, at: int = NOW, once: int = 0
) -> None:
    with store.write() as connection:
        Outbox().add(
            connection,
            written or letter(),
            operation="sign_up",
            attempt=attempt,
            now=at,
            once_in_seconds=once,
        )


def claim(
    store: Store, *, at: int = DUE, snapshot: str = FIRST, name: str = "c-1", most: int = 9
) -> list[ClaimedMail]:
    with store.write() as connection:
        return Deliveries().claim(connection, snapshot=snapshot, claim=name, now=at, most=most)


def bodies(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(mails.c.body).order_by(mails.c.number)).scalars())


def has_due(store: Store, *, at: int = DUE) -> bool:
    with store.read() as connection:
        return Deliveries().has_due(connection, snapshot=FIRST, now=at)


def test_a_mail_is_held_until_no_second_opinion_can_come_any_more(store: Store) -> None:
    add(store, first())
    assert not has_due(store, at=DUE - 1)
    assert claim(store, at=DUE - 1) == []
    assert has_due(store)
    (mail,) = claim(store)
    assert (mail.recipient, mail.body, mail.attempts) == ("ada@example.org", "Hello.", 1)


@pytest.mark.parametrize(
    ("attempts", "kept"), [((first, second), "2"), ((second, first), "1"), ((first, first), "1")]
)
def test_a_request_leaves_one_mail_that_of_the_answer_seen(store: Store, attempts, kept) -> None:
    for number, attempt in enumerate(attempts, start=1):
        add(store, attempt("r-1"), letter(str(number)))
    assert bodies(store) == [kept]


def test_what_is_being_sent_is_not_replaced_nor_withdrawn(store: Store) -> None:
    add(store, first(), letter("sent"))
    claim(store)
    add(store, second(), letter("late"))
    with store.write() as connection:
        Outbox().withdraw(connection, "sign_up", second())
    assert bodies(store) == ["sent"]


def test_a_mail_that_was_not_due_yet_can_be_withdrawn(store: Store) -> None:
    add(store, first("r-1"))
    add(store, first("r-2"), letter("other"))
    with store.write() as connection:
        Outbox().withdraw(connection, "sign_up", second("r-1"))
    assert bodies(store) == ["other"]


def test_the_same_kind_of_mail_is_written_once_in_a_while_and_address(store: Store) -> None:
    for number, at in enumerate((NOW, NOW + 50, NOW + 101)):
        add(store, first(f"r-{number}"), letter(str(at - NOW)), at=at, once=100)
    add(store, first("r-8"), letter("another kind", Kind.NEW_DEVICE), once=100)
    assert bodies(store) == ["0", "101", "another kind"]


def test_an_address_gets_so_many_mails_a_day_whatever_they_tell(store: Store) -> None:
    kinds = list(Kind)
    for number in range(A_DAY_MAX + 5):
        add(store, first(f"r-{number}"), letter(str(number), kinds[number % len(kinds)]))
    assert bodies(store) == [str(number) for number in range(A_DAY_MAX)]
    # A mail of this day is still replaced: it is no further one.
    add(store, second("r-3"), letter("3, again"))
    assert bodies(store)[3] == "3, again"
    add(store, first("tomorrow"), letter("tomorrow"), at=NOW + 86_400)
    assert bodies(store)[A_DAY_MAX:] == ["tomorrow"]


def test_a_claimed_mail_is_nobody_elses_until_its_lease_is_over(store: Store) -> None:
    add(store, first())
    (mine,) = claim(store)
    assert claim(store, at=DUE + LEASE_SECONDS - 1, name="c-2") == []
    (theirs,) = claim(store, at=DUE + LEASE_SECONDS, name="c-2")
    assert theirs.attempts == 2
    with store.write() as connection:
        # Who lost a mail settles nothing.
        Deliveries().mark_sent(connection, mine, now=DUE)
        assert not Deliveries().give_up(connection, mine, now=DUE)
        Deliveries().mark_sent(connection, theirs, now=DUE)
    assert claim(store, at=DUE + 10 * LEASE_SECONDS) == []


def test_a_mail_that_was_not_taken_comes_back_when_it_is_told_to(store: Store) -> None:
    add(store, first())
    (mail,) = claim(store)
    with store.write() as connection:
        Deliveries().retry_at(connection, mail, at=DUE + 30)
    assert claim(store, at=DUE + 29) == []
    assert [again.attempts for again in claim(store, at=DUE + 30)] == [2]


def test_another_snapshots_mail_is_left_to_it_for_a_minute(store: Store) -> None:
    add(store, first())
    assert claim(store, at=DUE + 59, snapshot=LAST_GOOD) == []
    assert len(claim(store, at=DUE + 60, snapshot=LAST_GOOD)) == 1


def test_many_senders_at_once_take_every_mail_once(store: Store) -> None:
    for number in range(12):
        add(store, first(f"r-{number}"))

    def take(name: int) -> list[int]:
        taken = []
        while found := claim(store, name=f"c-{name}", most=1):
            taken += [mail.number for mail in found]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [number for numbers in pool.map(take, range(4)) for number in numbers]
    assert len(taken) == len(set(taken))
    # A sender may pass a mail that another one holds, and find nothing; it comes again later.
    with store.read() as connection:
        unclaimed = select(mails.c.number).where(mails.c.claim.is_(None))
        assert len(taken) + len(list(connection.execute(unclaimed))) == 12


def test_what_is_over_is_forgotten_and_nothing_else(store: Store) -> None:
    for name in ("sent", "given up", "waiting"):
        add(store, first(name), letter(name))
    one, two, _ = claim(store)
    with store.write() as connection:
        Deliveries().mark_sent(connection, one, now=DUE)
        assert Deliveries().give_up(connection, two, now=DUE)
        Deliveries().purge(connection, before=DUE + 1)
    assert bodies(store) == ["waiting"]

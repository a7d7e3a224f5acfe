"""Sending what the outbox holds, with a real SMTP server at the other end."""

from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import select

from ostiary.identity.mail.deliveries import LEASE_SECONDS
from ostiary.identity.mail.outbox import HELD_SECONDS
from ostiary.identity.mail.sending import GIVE_UP_SECONDS, MailSender
from ostiary.identity.mail.smtp import SmtpServer, SmtpTransport
from ostiary.identity.mail.writing import Mails
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store, open_store
from ostiary.identity.store.migration import migrate
from ostiary.identity.store.schema import audit_entries, mails
from ostiary.kernel.clock import to_unix
from ostiary.kernel.ids import SeededRandom
from tests.conformance.identity_rows import account
from tests.fakes.clock import FakeClock
from tests.unit.identity.mail.smtp_server import Mailbox, smtp_server

Sending = Callable[..., MailSender]


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'identity.db'}")
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def sender(store: Store, clock: FakeClock, mailbox: Mailbox) -> Sending:
    def build(transport: object = None, seed: int = 1) -> MailSender:
        server = SmtpServer("127.0.0.1", mailbox.port, encrypted=False)
        return MailSender(
            store=store,
            transport=transport or SmtpTransport(server, "example.org"),  # type: ignore[arg-type]
            clock=clock,
            rng=SeededRandom(seed),
            snapshot="s-1",
            mail_from="login@example.org",
        )

    return build


@pytest.fixture
def written(store: Store, clock: FakeClock) -> None:
    """A mail that is due."""
    attempt = Attempt("r-1", is_second_opinion=False, minted_by="s-1", client_address="203.0.113.7")
    with store.write() as connection:
        Mails("https://login.example", enabled=True).welcome(
            connection, account(), attempt, now=to_unix(clock.now())
        )
    clock.advance(HELD_SECONDS)


class DiesAfterDelivery:
    """A transport whose process is killed when the server has said yes."""

    def __init__(self, port: int) -> None:
        self._real = SmtpTransport(SmtpServer("127.0.0.1", port, encrypted=False), "example.org")

    def deliver(self, message: EmailMessage, recipient: str) -> None:
        self._real.deliver(message, recipient)
        raise KeyboardInterrupt


def column(store: Store, wanted) -> list:
    with store.read() as connection:
        return list(connection.execute(select(wanted)).scalars())


@pytest.mark.usefixtures("written")
def test_a_mail_is_sent_once_however_many_senders_there_are(
    sender: Sending, mailbox: Mailbox, clock: FakeClock
) -> None:
    assert [sender(seed=seed).send_due() for seed in (1, 2)] == [1, 0]
    clock.advance(LEASE_SECONDS * 10)
    assert sender().send_due() == 0
    (message,) = mailbox.messages
    assert mailbox.recipients == ["Ada@example.org"]
    assert message["from"] == "login@example.org"
    assert message["subject"] == "Your account at login.example"
    assert message["auto-submitted"] == "auto-generated"
    assert message["date"] == "Thu, 01 Jan 2026 00:00:00 +0000"
    body = message.get_content().replace("\r\n", "\n")
    assert "from the network address 203.0.113.7." in " ".join(body.split())
    assert max(map(len, body.splitlines())) < 79


@pytest.mark.usefixtures("written")
def test_a_sender_that_dies_after_the_servers_yes_causes_a_recognisable_copy(
    sender: Sending, mailbox: Mailbox, clock: FakeClock
) -> None:
    with pytest.raises(KeyboardInterrupt):
        sender(DiesAfterDelivery(mailbox.port)).send_due()
    assert sender(seed=2).send_due() == 0
    clock.advance(LEASE_SECONDS)
    assert sender(seed=2).send_due() == 1
    first, second = mailbox.messages
    assert first["message-id"] == second["message-id"]
    assert first["message-id"].endswith("@example.org>")


@pytest.mark.usefixtures("written")
def test_a_mail_that_is_not_taken_is_tried_again_with_longer_and_longer_waits(
    sender: Sending, mailbox: Mailbox, clock: FakeClock
) -> None:
    mailbox.rcpt_reply = "451 later"
    for wait in (30, 60, 120):
        assert sender().send_due() == 1
        clock.advance(wait - 1)
        assert sender().send_due() == 0
        clock.advance(1)
    mailbox.rcpt_reply = "250 fine"
    assert sender().send_due() == 1
    assert len(mailbox.messages) == 1


@pytest.mark.usefixtures("written")
def test_after_three_days_a_mail_is_given_up_and_that_is_noted(
    sender: Sending, mailbox: Mailbox, clock: FakeClock, store: Store
) -> None:
    mailbox.rcpt_reply = "451 later"
    clock.advance(GIVE_UP_SECONDS - 60)
    assert sender().send_due() == 1
    assert column(store, audit_entries.c.operation) == []
    clock.advance(60)
    assert sender().send_due() == 1
    assert column(store, audit_entries.c.operation) == ["mail_given_up"]
    assert column(store, audit_entries.c.subject) == ["ada@example.org"]
    clock.advance(GIVE_UP_SECONDS)
    assert sender().send_due() == 0


@pytest.mark.usefixtures("written")
def test_an_address_that_the_server_refuses_for_good_is_given_up_at_once(
    sender: Sending, mailbox: Mailbox, store: Store
) -> None:
    mailbox.rcpt_reply = "550 no such user"
    assert sender().send_due() == 1
    assert column(store, mails.c.due_at) == [None]
    (details,) = column(store, audit_entries.c.details)
    assert details == {"reason": "recipient refused (550)", "attempts": 1}


@pytest.mark.parametrize(
    "address", ["=?utf-8?q?a=0d=0abcc?=@x.example", "ada\r\nBcc: all@x.example"]
)
def test_an_address_that_no_message_can_hold_is_given_up_and_keeps_nobody_waiting(
    address: str, sender: Sending, mailbox: Mailbox, clock: FakeClock, store: Store
) -> None:
    written = Mails("https://login.example", enabled=True)
    with store.write() as connection:
        for name, email in (("r-1", address), ("r-2", "ada@example.org")):
            attempt = Attempt(name, is_second_opinion=False, minted_by="s-1")
            person = account(email=email)
            written.welcome(connection, person, attempt, now=to_unix(clock.now()))
    clock.advance(HELD_SECONDS)
    assert sender().send_due() == 2
    assert mailbox.recipients == ["ada@example.org"]
    assert column(store, mails.c.due_at) == [None, None]
    (details,) = column(store, audit_entries.c.details)
    assert "bcc" not in details["reason"].casefold()


@pytest.mark.usefixtures("written")
def test_mails_are_forgotten_thirty_days_after_they_were_sent(
    sender: Sending, clock: FakeClock, store: Store
) -> None:
    running = sender()
    running.send_due()
    clock.advance(31 * 86_400)
    running.send_due()
    assert column(store, mails.c.number) == []


@pytest.mark.usefixtures("written")
def test_the_thread_sends_by_itself_and_stops(sender: Sending, mailbox: Mailbox) -> None:
    running = sender()
    running.start()
    waited = running._stopping
    for _ in range(600):
        if mailbox.messages:
            break
        waited.wait(0.1)
    running.stop()
    assert len(mailbox.messages) == 1
    assert not running._thread.is_alive()

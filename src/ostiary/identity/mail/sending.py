"""Sending what the outbox holds: one thread in every replica, apart from all requests.

A mail is sent once. Only a sender that dies between the mail server's yes and its own note of it
leaves a mail that is sent again; both copies then carry the same Message-ID, by which receivers
recognise the second one. More cannot be promised: SMTP has no transaction across two parties
(RFC 5321, section 4.5.4.1 and RFC 1047).
"""

import threading
from email.message import EmailMessage
from typing import Protocol

import structlog

from ostiary.identity.audit.model import SERVICE, Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.mail.deliveries import PURGED_ROWS_MAX, Deliveries
from ostiary.identity.mail.messages import write_message
from ostiary.identity.mail.model import ClaimedMail, DeliveryError
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.ids import Random
from ostiary.kernel.log_words import PERIODIC_WORK_FAILED

GIVE_UP_SECONDS = 3 * 86_400
"""How long delivery is tried (RFC 5321, section 4.5.4.1, advises four to five days at most)."""

_FIRST_WAIT_SECONDS = 30
_WAIT_SECONDS_MAX = 3600
_POLL_SECONDS = 1.0
_STOP_SECONDS_MAX = 5
_KEPT_SECONDS = 30 * 86_400
_PURGE_SECONDS = 600
_LOG = structlog.get_logger("ostiary.identity.mail")


class Transport(Protocol):
    """Hands mails to a server."""

    def deliver(self, message: EmailMessage, recipient: str) -> None:
        """Return when a server has taken the mail; raise `DeliveryError` when none did."""
        ...


class MailSender:
    """Empties the outbox. Any number of replicas may do so at once."""

    def __init__(
        self,
        *,
        store: Store,
        transport: Transport,
        clock: Clock,
        rng: Random,
        snapshot: str,
        mail_from: str,
    ) -> None:
        self._store = store
        self._transport = transport
        self._clock = clock
        self._rng = rng
        self._snapshot = snapshot
        self._mail_from = mail_from
        self._deliveries = Deliveries()
        self._audit = AuditLog()
        self._purge_at = clock.monotonic() + _PURGE_SECONDS
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the mail at hand if that takes no longer than five seconds, and send no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS_MAX)

    def send_due(self) -> int:
        """Send what is due, one mail after the other; return how many were taken from the outbox.

        No transaction is open while a mail server is spoken to. Raises `StoreUnavailableError`.
        """
        taken = 0
        while not self._stopping.is_set():
            mail = self._claim()
            if mail is None:
                break
            taken += 1
            self._send(mail)
        self._purge_if_due()
        return taken

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            try:
                self.send_due()
            except StoreUnavailableError as error:
                _LOG.warning("mail not sent: store unavailable", cause=error.detail)
            except Exception as error:  # noqa: BLE001 - a bug must not end all mail
                _LOG.exception(PERIODIC_WORK_FAILED, name="mail", exc_info=error)

    def _claim(self) -> ClaimedMail | None:
        now = self._now()
        with self._store.read() as connection:
            # A look costs no lock; most looks find nothing.
            if not self._deliveries.has_due(connection, snapshot=self._snapshot, now=now):
                return None
        with self._store.write(durable=False) as connection:
            claim = self._rng.hex(16)
            taken = self._deliveries.claim(
                connection, snapshot=self._snapshot, claim=claim, now=now, most=1
            )
        return taken[0] if taken else None

    def _send(self, mail: ClaimedMail) -> None:
        try:
            self._transport.deliver(write_message(mail, self._mail_from), mail.recipient)
        except DeliveryError as error:
            self._note_failure(mail, error)
            return
        with self._store.write() as connection:
            self._deliveries.mark_sent(connection, mail, now=self._now())
        _LOG.info("mail sent", request_id=mail.request_id, attempts=mail.attempts)

    def _note_failure(self, mail: ClaimedMail, error: DeliveryError) -> None:
        now = self._now()
        wait = min(_FIRST_WAIT_SECONDS << min(mail.attempts - 1, 16), _WAIT_SECONDS_MAX)
        is_over = error.is_final or now + wait > mail.created_at + GIVE_UP_SECONDS
        _LOG.warning(
            "mail not taken",
            request_id=mail.request_id,
            attempts=mail.attempts,
            cause=error.reason,
            given_up=is_over,
        )
        with self._store.write() as connection:
            if not is_over:
                self._deliveries.retry_at(connection, mail, at=now + wait)
            elif self._deliveries.give_up(connection, mail, now=now):
                self._audit.append(connection, _given_up(mail, error, now), self._origin(mail))

    def _origin(self, mail: ClaimedMail) -> Attempt:
        """Return what the entry of a mail is keyed by: the operation that wrote it, and request."""
        return Attempt(
            f"{mail.request_id}/{mail.operation}",
            is_second_opinion=False,
            minted_by=self._snapshot,
        )

    def _purge_if_due(self) -> None:
        if self._clock.monotonic() < self._purge_at:
            return
        self._purge_at = self._clock.monotonic() + _PURGE_SECONDS
        with self._store.write(durable=False) as connection:
            purged = self._deliveries.purge(connection, before=self._now() - _KEPT_SECONDS)
        if purged == PURGED_ROWS_MAX:
            # More mails may be over; they must not be written faster than they are deleted.
            self._purge_at = self._clock.monotonic()

    def _now(self) -> int:
        return to_unix(self._clock.now())


def _given_up(mail: ClaimedMail, error: DeliveryError, now: int) -> Entry:
    return Entry(
        operation=Operation.MAIL_GIVEN_UP,
        subject=mail.recipient.casefold(),
        at=now,
        actor=SERVICE,
        outcome="other",
        details={"reason": error.reason, "attempts": mail.attempts},
    )

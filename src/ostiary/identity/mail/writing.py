"""Which mails the service writes, each in the transaction of what it tells about."""

from typing import Protocol

from sqlalchemy import Connection

from ostiary.identity.mail.letters import Letters, Occasion
from ostiary.identity.mail.outbox import Outbox
from ostiary.identity.store.attempt import Attempt

SIGN_UP = "sign_up"
"""Operation: a sign-up leaves one mail, whichever it is."""

_SIGN_IN = "sign_in"
_GRANT_REVOKED = "grant_revoked"
_DAY_SECONDS = 86_400
_HOUR_SECONDS = 3600


class Recipient(Protocol):
    """What a mail needs to know of an account."""

    @property
    def email(self) -> str:
        """Return the address as its owner wrote it."""
        ...

    @property
    def probe(self) -> bool:
        """Return whether the account is one of the guard's own."""
        ...


class Mails:
    """Writes mails on the caller's connection, inside the caller's transaction.

    Without a mail server in the settings it writes nothing, and the guard's own accounts never
    get any. `now` is in Unix seconds.
    """

    def __init__(self, issuer: str, *, enabled: bool) -> None:
        self.enabled = enabled
        self._letters = Letters(issuer)
        self._outbox = Outbox()

    def welcome(
        self, connection: Connection, account: Recipient, attempt: Attempt, *, now: int
    ) -> None:
        """Tell that an account was made with this address."""
        if self._is_for(account):
            letter = self._letters.welcome(_occasion(account, attempt, now))
            self._outbox.add(connection, letter, operation=SIGN_UP, attempt=attempt, now=now)

    def address_taken(
        self, connection: Connection, account: Recipient, attempt: Attempt, *, now: int
    ) -> None:
        """Tell that somebody tried to make a second account; at most once a day and address."""
        if self._is_for(account):
            letter = self._letters.address_taken(_occasion(account, attempt, now))
            self._outbox.add(
                connection,
                letter,
                operation=SIGN_UP,
                attempt=attempt,
                now=now,
                once_in_seconds=_DAY_SECONDS,
            )

    def grant_ended(
        self,
        connection: Connection,
        account: Recipient,
        attempt: Attempt,
        *,
        client_id: str,
        now: int,
    ) -> None:
        """Tell that an application was signed out because its refresh token was used twice.

        At most once an hour and address, whichever applications they are.
        """
        if self._is_for(account):
            letter = self._letters.grant_ended(
                _occasion(account, attempt, now), client_id=client_id
            )
            self._outbox.add(
                connection,
                letter,
                operation=_GRANT_REVOKED,
                attempt=attempt,
                now=now,
                once_in_seconds=_HOUR_SECONDS,
            )

    def new_device(
        self, connection: Connection, account: Recipient, attempt: Attempt, *, now: int
    ) -> None:
        """Tell that the account was used with a browser that it was not used with before.

        At most once an hour and address: whoever knows the password could send a thousand.
        """
        if self._is_for(account):
            letter = self._letters.new_device(_occasion(account, attempt, now))
            self._outbox.add(
                connection,
                letter,
                operation=_SIGN_IN,
                attempt=attempt,
                now=now,
                once_in_seconds=_HOUR_SECONDS,
            )

    def withdraw_sign_in(self, connection: Connection, attempt: Attempt) -> None:
        """Take back what an earlier attempt of this request wrote about a sign-in."""
        if self.enabled:
            self._outbox.withdraw(connection, _SIGN_IN, attempt)

    def withdraw_sign_up(self, connection: Connection, attempt: Attempt) -> None:
        """Take back what an earlier attempt of this request wrote about a sign-up."""
        if self.enabled:
            self._outbox.withdraw(connection, SIGN_UP, attempt)

    def _is_for(self, account: Recipient) -> bool:
        return self.enabled and not account.probe


def _occasion(account: Recipient, attempt: Attempt, now: int) -> Occasion:
    return Occasion(account.email, now, attempt.client_address)

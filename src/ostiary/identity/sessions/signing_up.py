"""Signing up: a new account and its first session, in one transaction."""

from sqlalchemy import Connection

from ostiary.identity.accounts.addresses import parse_address
from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.audit.model import Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.mail.writing import Mails
from ostiary.identity.passwords.admission import Priority
from ostiary.identity.passwords.claims import Claim
from ostiary.identity.passwords.policy import WeakPasswordError
from ostiary.identity.sessions.newcomers import Newcomers
from ostiary.identity.sessions.signing_in import Credentials, Refused
from ostiary.identity.sessions.starting import SessionStarter, SignedIn
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.outcomes import Outcome

_NEWCOMER = Claim(Priority.OTHER)


class SignUp:
    """Creates accounts for the people who ask for one."""

    def __init__(
        self,
        *,
        store: Store,
        creation: AccountCreation,
        starter: SessionStarter,
        clock: Clock,
        mails: Mails,
    ) -> None:
        self._store = store
        self._creation = creation
        self._starter = starter
        self._clock = clock
        self._mails = mails
        self._accounts = Accounts()
        self._audit = AuditLog()
        self._newcomers = Newcomers()

    def by_password(self, credentials: Credentials, attempt: Attempt) -> SignedIn | Refused:
        """Create an account and sign its owner in, or say that the address is taken.

        After many sign-ups from one network the next one has to wait; one that was told to wait
        does not count. Raises `InvalidAddressError`, `WeakPasswordError`, `OverloadedError` or
        `StoreUnavailableError`.
        """
        wait = self._seconds_to_wait(attempt)
        if wait:
            if attempt.is_second_opinion:
                self._withdraw(credentials.email, attempt, Outcome.RATE_LIMITED)
            return Refused(Outcome.RATE_LIMITED, wait)
        try:
            account = self._creation.prepare(
                credentials.email, credentials.password, claim=_NEWCOMER
            )
        except WeakPasswordError:
            if attempt.is_second_opinion:
                self._withdraw(credentials.email, attempt, Outcome.WEAK_PASSWORD)
            raise
        with self._store.write() as connection:
            # The entry comes first: it is what two attempts at once wait for each other at.
            if not self._audit.append(connection, self._entry(account.email_key), attempt):
                # The second opinion has answered.
                return Refused(Outcome.ALREADY_EXISTS)
            self._newcomers.add(connection, attempt, now=account.created_at)
            stored = self._accounts.add(connection, account, attempt)
            if stored is None:
                self._note_taken(connection, account, attempt)
                return Refused(Outcome.ALREADY_EXISTS)
            started = self._starter.start(
                connection,
                stored,
                old_hash=credentials.old_hash,
                attempt=attempt,
                is_audited=True,
            )
            self._mails.welcome(connection, stored, attempt, now=stored.created_at)
        # None: disabled at the very moment.
        return started or Refused(Outcome.ALREADY_EXISTS)

    def _seconds_to_wait(self, attempt: Attempt) -> int:
        now = to_unix(self._clock.now())
        with self._store.read() as connection:
            return self._newcomers.seconds_to_wait(connection, attempt, now=now)

    def _note_taken(self, connection: Connection, account: Account, attempt: Attempt) -> None:
        """Write down that the address is taken, and tell its owner."""
        outcome = Outcome.ALREADY_EXISTS
        self._audit.amend(connection, self._entry(account.email_key, outcome), attempt)
        owner = self._accounts.find_by_email(connection, account.email_key)
        if owner is not None:
            self._mails.address_taken(connection, owner, attempt, now=account.created_at)

    def _withdraw(self, email: str, attempt: Attempt, outcome: Outcome) -> None:
        """Undo what an earlier attempt did, and let a late one know that it was refused."""
        email_key = parse_address(email).key
        with self._store.write() as connection:
            self._audit.append(connection, self._entry(email_key, outcome), attempt)
            self._newcomers.withdraw(connection, attempt)
            self._accounts.withdraw(connection, email_key, attempt)
            self._mails.withdraw_sign_up(connection, attempt)

    def _entry(self, email_key: str, outcome: Outcome = Outcome.OK) -> Entry:
        now = to_unix(self._clock.now())
        return Entry(Operation.SIGN_UP, email_key, now, outcome=outcome.value)

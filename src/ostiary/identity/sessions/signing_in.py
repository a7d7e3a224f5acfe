"""Signing in: an address and a password become a session.

The password is hashed before the one write transaction begins, so that the store is never held
for the time of a hash.
"""

from dataclasses import dataclass, field

from ostiary.identity.accounts.addresses import InvalidAddressError, parse_address
from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.sessions.failures import SignInFailures
from ostiary.identity.sessions.revocation import SIGNED_OUT, Revocation
from ostiary.identity.sessions.starting import SessionStarter, SignedIn
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.sessions.throttling import WINDOW_SECONDS, wait_seconds
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person typed, and the hash of the session that their browser had before."""

    email: str
    password: str = field(repr=False)
    old_hash: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nobody was signed in. `wait_seconds` is 0 unless the address has to wait."""

    outcome: Outcome
    wait_seconds: int = 0


class SignIn:
    """Verifies passwords, counts failures, starts sessions."""

    def __init__(
        self, *, store: Store, hasher: PasswordHasher, clock: Clock, starter: SessionStarter
    ) -> None:
        self._store = store
        self._hasher = hasher
        self._clock = clock
        self._starter = starter
        self._accounts = Accounts()
        self._sessions = Sessions()
        self._failures = SignInFailures()

    def by_password(self, credentials: Credentials, attempt: Attempt) -> SignedIn | Refused:
        """Sign a person in, or say why not. Raises `StoreUnavailableError`.

        A failure counts once a request, also when the first attempt ended before counting it.
        """
        try:
            email_key = parse_address(credentials.email).key
        except InvalidAddressError:
            # No account can have this address: there is nothing to guess and nothing to count.
            return Refused(Outcome.UNKNOWN_USER)
        now = to_unix(self._clock.now())
        with self._store.read() as connection:
            account = self._accounts.find_by_email(connection, email_key)
            record = self._failures.recent(
                connection, email_key, since=now - WINDOW_SECONDS, attempt=attempt
            )
        wait = wait_seconds(record, now=now)
        if wait:
            return self._refuse(Refused(Outcome.RATE_LIMITED, wait), None, attempt)
        outcome = self._verify(account, credentials.password)
        if account is None or outcome is not Outcome.OK:
            return self._refuse(Refused(outcome), email_key, attempt)
        # A session that a power cut takes back means signing in again, which is no harm.
        with self._store.write(durable=False) as connection:
            started = self._starter.start(
                connection, account, old_hash=credentials.old_hash, attempt=attempt
            )
        # None: disabled, or given another password, between reading and writing.
        return started or self._refuse(Refused(Outcome.USER_DISABLED), email_key, attempt)

    def _verify(self, account: Account | None, password: str) -> Outcome:
        """Return the outcome of a password; the work is the same for every account and none."""
        if account is None:
            self._hasher.verify_nobody(password)
            return Outcome.UNKNOWN_USER
        if not self._hasher.verify(account.password_hash, password):
            return Outcome.BAD_CREDENTIALS
        return Outcome.USER_DISABLED if account.disabled else Outcome.OK

    def _refuse(self, refused: Refused, counted_for: str | None, attempt: Attempt) -> Refused:
        """Count the failure for an address, and end the session that a first attempt started."""
        if counted_for is None and not attempt.is_second_opinion:
            return refused
        now = to_unix(self._clock.now())
        with self._store.write(durable=False) as connection:
            if attempt.is_second_opinion:
                left_hash = self._sessions.hash_left_by(connection, attempt)
                if left_hash is not None:
                    self._sessions.end(connection, left_hash, Revocation(now, SIGNED_OUT))
            if counted_for is not None:
                self._failures.add(connection, counted_for, at=now, attempt=attempt)
        return refused

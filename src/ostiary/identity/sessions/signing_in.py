"""Signing in: an address and a password become a session.

The password is hashed before the one write transaction begins, so that the store is never held
for the time of a hash.
"""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.identity.accounts.addresses import InvalidAddressError, parse_address
from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.audit.model import Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.flags import Flags, Subject
from ostiary.identity.flags.definition import NEW_DEVICE_MAIL
from ostiary.identity.mail.writing import Mails
from ostiary.identity.passwords.admission import Priority
from ostiary.identity.passwords.claims import Claim
from ostiary.identity.passwords.gate import OverloadedError
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.sessions.client_sketch import ClientSketch
from ostiary.identity.sessions.devices import Device, KnownDevices
from ostiary.identity.sessions.failures import Guess, SignInFailures
from ostiary.identity.sessions.networks import UNKNOWN, Networks
from ostiary.identity.sessions.revocation import SIGNED_OUT, Revocation
from ostiary.identity.sessions.starting import SessionStarter, SignedIn
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.sessions.throttling import (
    WINDOW_SECONDS,
    RecentFailures,
    priority_of,
    seconds_to_wait,
)
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a person typed, and their browser: its session before, its name, its networks."""

    email: str
    password: str = field(repr=False)
    old_hash: str | None = field(default=None, repr=False)
    device: Device | None = field(default=None, repr=False)
    networks: Networks = UNKNOWN


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nobody was signed in. `wait_seconds` is 0 unless trying again has to wait."""

    outcome: Outcome
    wait_seconds: int = 0


class SignIn:
    """Verifies passwords, counts failures, starts sessions."""

    def __init__(
        self,
        *,
        store: Store,
        hasher: PasswordHasher,
        clock: Clock,
        starter: SessionStarter,
        devices: KnownDevices,
        mails: Mails,
        clients: ClientSketch,
        flags: Flags,
    ) -> None:
        self._store, self._clock = store, clock
        self._hasher = hasher
        self._clients = clients
        self._starter = starter
        self._devices = devices
        self._mails = mails
        self._flags = flags
        self._audit = AuditLog()
        self._accounts, self._sessions, self._failures = Accounts(), Sessions(), SignInFailures()

    def by_password(self, credentials: Credentials, attempt: Attempt) -> SignedIn | Refused:
        """Sign a person in, or say why not. Raises `StoreUnavailableError`.

        A failure counts once a request, also when the first attempt ended before counting it. An
        attempt that is sent away because there are too many is no failure.
        """
        if not attempt.is_second_opinion:
            self._clients.count(credentials.networks.network)
        try:
            return self._by_password(credentials, attempt)
        except OverloadedError as error:
            return Refused(Outcome.OVERLOADED, error.retry_after_seconds)

    def _by_password(self, credentials: Credentials, attempt: Attempt) -> SignedIn | Refused:
        # Whether a session cookie is of a session only the store knows: anybody can make one up.
        best = Priority.OTHER if credentials.device is None else Priority.KNOWN
        self._hasher.require_room(best)
        try:
            email_key = parse_address(credentials.email).key
        except InvalidAddressError:
            # No account can have this address: there is nothing to guess and nothing to count.
            return Refused(Outcome.UNKNOWN_USER)
        now = to_unix(self._clock.now())
        with self._store.read() as connection:
            account = self._accounts.find_by_email(connection, email_key)
            guess = self._guess(credentials, email_key, account, now=now)
            failures = self._failures.recent(
                connection, guess, since=now - WINDOW_SECONDS, attempt=attempt
            )
            failures = failures.for_this_address if account and account.probe else failures
            claim = self._claim(connection, credentials, account, guess, failures)
        wait = seconds_to_wait(failures, known=bool(guess.device), now=now)
        if wait:
            return self._refuse(Refused(Outcome.RATE_LIMITED, wait), guess, account, attempt)
        outcome = self._verify(account, credentials.password, claim)
        if account is None or outcome is not Outcome.OK:
            return self._refuse(Refused(outcome), guess, account, attempt)
        # A session that a power cut takes back means signing in again, which is no harm.
        with self._store.write(durable=False) as connection:
            started = self._starter.start(
                connection, account, old_hash=credentials.old_hash, attempt=attempt
            )
            if started is not None and not guess.device and self._tells_of_devices(account):
                self._mails.new_device(connection, account, attempt, now=now)
        # None: disabled, or given another password, between reading and writing.
        return started or self._refuse(Refused(Outcome.USER_DISABLED), guess, account, attempt)

    def _tells_of_devices(self, account: Account) -> bool:
        owner = Subject(account.id, frozenset(account.roles))
        return self._flags.is_on(NEW_DEVICE_MAIL, default=True, who=owner)

    def _guess(
        self, credentials: Credentials, email_key: str, account: Account | None, *, now: int
    ) -> Guess:
        """Return what the attempt is counted by; only a browser that knows the account has a name.

        Where there is no account the proofs are checked all the same, so that time tells nothing.
        """
        device = credentials.device
        known = self._devices.knows(device, "" if account is None else account.id, now=now)
        return Guess(email_key, credentials.networks, device.name if device and known else "")

    def _claim(
        self,
        connection: Connection,
        credentials: Credentials,
        account: Account | None,
        guess: Guess,
        failures: RecentFailures,
    ) -> Claim:
        """Return how urgent the hash is, for which account, and from where it is asked for."""
        known = bool(guess.device)
        if not known and credentials.old_hash is not None:
            now = to_unix(self._clock.now())
            found = self._sessions.find(connection, credentials.old_hash, now=now)
            known = found is not None and found[0].user_id == (account.id if account else "")
        priority = priority_of(failures, known=known)
        return Claim(priority, guess.email_key, guess.networks.network_range)

    def _verify(self, account: Account | None, password: str, claim: Claim) -> Outcome:
        """Return the outcome of a password; the work is the same for every account and none."""
        if account is None:
            self._hasher.verify_nobody(password, claim)
            return Outcome.UNKNOWN_USER
        if not self._hasher.verify(account.password_hash, password, claim):
            return Outcome.BAD_CREDENTIALS
        return Outcome.USER_DISABLED if account.disabled else Outcome.OK

    def _refuse(
        self, refused: Refused, guess: Guess, account: Account | None, attempt: Attempt
    ) -> Refused:
        """Count the failure, and undo what a first attempt did; having to wait is no failure."""
        is_failure = refused.outcome is not Outcome.RATE_LIMITED
        if not is_failure and not attempt.is_second_opinion:
            return refused
        now = to_unix(self._clock.now())
        entry = Entry(
            Operation.SIGN_IN,
            guess.email_key,
            now,
            outcome=refused.outcome.value,
            probe=account is not None and account.probe,
        )
        with self._store.write(durable=False) as connection:
            # The entry comes first: it is what two attempts at once wait for each other at.
            if not self._audit.append(connection, entry, attempt):
                return refused
            if attempt.is_second_opinion:
                left_hash = self._sessions.hash_left_by(connection, attempt)
                if left_hash is not None:
                    self._sessions.end(connection, left_hash, Revocation(now, SIGNED_OUT))
                self._mails.withdraw_sign_in(connection, attempt)
            if is_failure:
                self._failures.add(connection, guess, at=now, attempt=attempt)
        return refused

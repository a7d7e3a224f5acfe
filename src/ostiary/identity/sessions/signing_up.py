"""Signing up: a new account and its first session, in one transaction."""

from ostiary.identity.accounts.addresses import parse_address
from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.passwords.policy import WeakPasswordError
from ostiary.identity.sessions.signing_in import Credentials, Refused
from ostiary.identity.sessions.starting import SessionStarter, SignedIn
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.outcomes import Outcome


class SignUp:
    """Creates accounts for the people who ask for one."""

    def __init__(self, *, store: Store, creation: AccountCreation, starter: SessionStarter) -> None:
        self._store = store
        self._creation = creation
        self._starter = starter
        self._accounts = Accounts()

    def by_password(self, credentials: Credentials, attempt: Attempt) -> SignedIn | Refused:
        """Create an account and sign its owner in, or say that the address is taken.

        Raises `InvalidAddressError`, `WeakPasswordError`, `StoreUnavailableError`.
        """
        try:
            account = self._creation.prepare(credentials.email, credentials.password)
        except WeakPasswordError:
            if attempt.is_second_opinion:
                self._withdraw(credentials.email, attempt)
            raise
        with self._store.write() as connection:
            stored = self._accounts.add(connection, account, attempt)
            if stored is None:
                return Refused(Outcome.ALREADY_EXISTS)
            started = self._starter.start(
                connection, stored, old_hash=credentials.old_hash, attempt=attempt
            )
        # None: this attempt came late, and the second opinion has answered.
        return started or Refused(Outcome.ALREADY_EXISTS)

    def _withdraw(self, email: str, attempt: Attempt) -> None:
        with self._store.write() as connection:
            self._accounts.withdraw(connection, parse_address(email).key, attempt)

"""What an operator does to accounts. Every act is data, so all replicas obey it at once."""

from sqlalchemy import Connection

from ostiary.identity.accounts.addresses import InvalidAddressError, parse_address
from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.audit.model import OPERATOR, Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.mail.deliveries import Deliveries
from ostiary.identity.passwords.formats import HashFormat
from ostiary.identity.sessions.revocation import DISABLED, Revocation
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock, to_unix


class UserAdministration:
    """Finds and changes accounts; each method is one transaction.

    `who` is an e-mail address or an account's id. Every method raises `StoreUnavailableError`.
    """

    def __init__(self, *, store: Store, clock: Clock, creation: AccountCreation) -> None:
        self._store = store
        self._clock = clock
        self._creation = creation
        self._accounts = Accounts()
        self._sessions = Sessions()
        self._audit = AuditLog()
        self._deliveries = Deliveries()

    def create(
        self,
        email: str,
        password: str,
        *,
        roles: list[str],
        probe: bool,
        attempt: Attempt,
        hashed_as: HashFormat | None = None,
    ) -> Account | None:
        """Create an account; return it, or None when its address is taken.

        Its hash is of the settings' format, or `hashed_as` another one. Raises what
        `AccountCreation.prepare` raises.
        """
        account = self._creation.prepare(
            email, password, roles=roles, probe=probe, hashed_as=hashed_as
        )
        with self._store.write() as connection:
            added = self._accounts.add(connection, account, attempt)
            if added is not None:
                self._note(connection, Operation.USER_ADDED, added, attempt)
            return added

    def list_(self, *, include_probes: bool) -> list[Account]:
        """Return all accounts, the guard's own only when they are asked for."""
        with self._store.read() as connection:
            return self._accounts.list_(connection, include_probes=include_probes)

    def find(self, who: str) -> Account | None:
        """Return an account, or None."""
        with self._store.read() as connection:
            return self._find(connection, who)

    def set_disabled(self, who: str, attempt: Attempt, *, disabled: bool) -> Account | None:
        """Disable or enable an account and return it, or None where there is none.

        When disabling returns, no replica accepts the account, its sessions or its refresh
        tokens any more. Enabling brings none of these back.
        """
        with self._store.write() as connection:
            account = self._find(connection, who)
            if account is None:
                return None
            changed = self._accounts.set_disabled(connection, account.id, disabled=disabled)
            if disabled:
                revocation = Revocation(at=to_unix(self._clock.now()), because=DISABLED)
                self._sessions.end_all(connection, account.id, revocation)
            operation = Operation.USER_DISABLED if disabled else Operation.USER_ENABLED
            self._note(connection, operation, account, attempt)
            return changed

    def delete(self, who: str, attempt: Attempt) -> bool:
        """Delete an account, all that hangs on it, and mails to it that wait to be sent.

        Returns whether it was there.
        """
        with self._store.write() as connection:
            account = self._find(connection, who)
            if account is None:
                return False
            self._note(connection, Operation.USER_DELETED, account, attempt)
            self._deliveries.forget(connection, account.email)
            return self._accounts.delete(connection, account.id)

    def _note(
        self, connection: Connection, operation: Operation, account: Account, attempt: Attempt
    ) -> None:
        entry = Entry(
            operation,
            account.email_key,
            to_unix(self._clock.now()),
            actor=OPERATOR,
            probe=account.probe,
            details={"user_id": account.id},
        )
        self._audit.append(connection, entry, attempt)

    def _find(self, connection: Connection, who: str) -> Account | None:
        try:
            key = parse_address(who).key
        except InvalidAddressError:
            # PostgreSQL does not take every text, and ids are made of letters and digits only.
            return self._accounts.get(connection, who) if who.isalnum() else None
        return self._accounts.find_by_email(connection, key)

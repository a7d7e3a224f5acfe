"""Starting a session, whichever way the person proved who they are."""

from dataclasses import dataclass, field

from sqlalchemy import Connection

from ostiary.identity.accounts.model import Account
from ostiary.identity.audit.model import Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.sessions.current import hash_of_secret
from ostiary.identity.sessions.failures import SignInFailures
from ostiary.identity.sessions.model import Session
from ostiary.identity.sessions.revocation import SIGNED_OUT, Revocation
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.store.attempt import Attempt
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.ids import Random

_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A new session and the secret for its cookie."""

    session: Session
    secret: str = field(repr=False)


class SessionStarter:
    """Starts sessions inside the caller's write transaction."""

    def __init__(self, *, clock: Clock, rng: Random, session_seconds: int) -> None:
        self._clock = clock
        self._rng = rng
        self._session_seconds = session_seconds
        self._sessions = Sessions()
        self._failures = SignInFailures()
        self._audit = AuditLog()

    def start(
        self,
        connection: Connection,
        account: Account,
        *,
        old_hash: str | None,
        attempt: Attempt,
        is_audited: bool = False,
    ) -> SignedIn | None:
        """Start a session; None when the account as it is now no longer allows it.

        The sign-in is written into the audit log, unless the caller has its own entry there
        (`is_audited`). None also when a second opinion has refused this request meanwhile.

        The session `old_hash` that the browser had before ends with it: a secret that was known
        before signing in is worth nothing afterwards. A second opinion also undoes what the
        first attempt of its request left: a session, or a counted failure.
        """
        secret = self._rng.token(_SECRET_BYTES)
        now = to_unix(self._clock.now())
        session = Session(
            session_hash=hash_of_secret(secret),
            user_id=account.id,
            created_at=now,
            expires_at=now + self._session_seconds,
            minted_by=attempt.minted_by,
        )
        left_hash = None
        if attempt.is_second_opinion:
            left_hash = self._sessions.hash_left_by(connection, attempt)
        if not self._sessions.start(
            connection, session, password_hash=account.password_hash, attempt=attempt
        ):
            return None
        entry = Entry(Operation.SIGN_IN, account.email_key, now, probe=account.probe)
        if not is_audited and not self._audit.append(connection, entry, attempt):
            # Nobody waits for this session any longer, and nobody must be left with it.
            self._sessions.end(connection, session.session_hash, Revocation(now, SIGNED_OUT))
            return None
        for ended in (left_hash, old_hash):
            if ended is not None:
                self._sessions.succeed(connection, ended, session)
        if attempt.is_second_opinion:
            self._failures.withdraw(connection, attempt)
        return SignedIn(session=session, secret=secret)

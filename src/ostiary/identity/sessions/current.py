"""Which session a request belongs to."""

import hashlib

import falcon

from ostiary.identity.accounts.model import Account
from ostiary.identity.audit.model import Entry, Operation
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.http.context import attempt_of
from ostiary.identity.sessions.cookies import SESSION_COOKIE
from ostiary.identity.sessions.model import Session
from ostiary.identity.sessions.revocation import SIGNED_OUT, Revocation
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.identity.store.proofs import Proofs
from ostiary.kernel.clock import Clock, to_unix


def hash_of_secret(secret: str) -> str:
    """Return what is stored of a session's secret. It is random, so a plain SHA-256 suffices."""
    return hashlib.sha256(secret.encode()).hexdigest()


def presented_hash(request: falcon.Request) -> str | None:
    """Return the hash of the session secret that a request carries; it may be of no session."""
    secret = SESSION_COOKIE.read(request)
    return None if secret is None else hash_of_secret(secret)


class CurrentSession:
    """Finds and ends the session of a request."""

    def __init__(self, store: Store, clock: Clock, *, snapshot: str, grace_seconds: int) -> None:
        """`grace_seconds` is how long a session goes on while the store is away."""
        self._store = store
        self._clock = clock
        self._snapshot = snapshot
        self._sessions = Sessions()
        self._audit = AuditLog()
        self._proofs: Proofs[tuple[Session, Account]] = Proofs(clock, seconds=grace_seconds)
        store.on_ended(self._forget)

    def find(self, request: falcon.Request) -> tuple[Session, Account] | None:
        """Return the session and its account; None when nobody is signed in.

        An expired session and a disabled account count as nobody. Asks the store every time;
        while it is away, what it said of the session in the last minutes counts, but not while
        it only keeps this one request waiting. Raises `StoreUnavailableError` otherwise: that the
        store is away does not mean nobody.
        """
        session_hash = presented_hash(request)
        if session_hash is None:
            return None
        now = to_unix(self._clock.now())
        moment = self._proofs.moment(session_hash)
        try:
            with self._store.read() as connection:
                found = self._sessions.find(connection, session_hash, now=now)
        except StoreUnavailableError as error:
            proven = None if error.is_busy else self._proofs.recall(session_hash)
            if proven is None or proven[0].expires_at <= now:
                raise
            return proven
        if found is None:
            self._proofs.forget(session_hash)
        else:
            self._proofs.remember(session_hash, found, since=moment)
        return found

    def end(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign out: delete the session, revoke its grants, take the cookie away.

        Harmless when nobody is signed in, and when repeated. Raises `StoreUnavailableError`; then
        the cookie stays, so that the person can try again.
        """
        session_hash = presented_hash(request)
        if session_hash is not None:
            attempt = attempt_of(request, snapshot=self._snapshot)
            self._end(session_hash, attempt)
        SESSION_COOKIE.clear(request, response)

    def _forget(self, subject: str) -> None:
        """Forget a session by its hash, or all sessions of a user or a snapshot by their id."""
        self._proofs.forget(subject)
        self._proofs.forget_where(lambda proven: subject in (proven[0].minted_by, proven[1].id))

    def _end(self, session_hash: str, attempt: Attempt) -> None:
        now = to_unix(self._clock.now())
        with self._store.write() as connection:
            found = self._sessions.find(connection, session_hash, now=now)
            ended = self._sessions.end(connection, session_hash, Revocation(now, SIGNED_OUT))
            # Nothing is noted where an earlier attempt has ended it: its entry stands.
            if ended and found is not None:
                account = found[1]
                entry = Entry(Operation.SIGN_OUT, account.email_key, now, probe=account.probe)
                self._audit.append(connection, entry, attempt)

"""Which session a request belongs to."""

import hashlib

import falcon

from ostiary.identity.accounts.model import Account
from ostiary.identity.sessions.cookies import SESSION_COOKIE
from ostiary.identity.sessions.model import Session
from ostiary.identity.sessions.revocation import SIGNED_OUT, Revocation
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.store.engine import Store
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

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._sessions = Sessions()

    def find(self, request: falcon.Request) -> tuple[Session, Account] | None:
        """Return the session and its account; None when nobody is signed in.

        An expired session and a disabled account count as nobody. Opens a read transaction of its
        own. Raises `StoreUnavailableError`: that the store is away does not mean nobody.
        """
        session_hash = presented_hash(request)
        if session_hash is None:
            return None
        now = to_unix(self._clock.now())
        with self._store.read() as connection:
            return self._sessions.find(connection, session_hash, now=now)

    def end(self, request: falcon.Request, response: falcon.Response) -> None:
        """Sign out: delete the session, revoke its grants, take the cookie away.

        Harmless when nobody is signed in, and when repeated. Raises `StoreUnavailableError`; then
        the cookie stays, so that the person can try again.
        """
        session_hash = presented_hash(request)
        if session_hash is not None:
            revocation = Revocation(at=to_unix(self._clock.now()), because=SIGNED_OUT)
            with self._store.write() as connection:
                self._sessions.end(connection, session_hash, revocation)
        SESSION_COOKIE.clear(request, response)

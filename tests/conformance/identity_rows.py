"""Rows that the conformance suites start from."""

from sqlalchemy import insert

from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.sessions.model import Session
from ostiary.identity.sessions.storage import Sessions
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from ostiary.identity.store.schema import authorization_codes, clients, grant_families

NOW = 1_767_225_600
FIRST, LAST_GOOD = "s-candidate000", "s-lastgood0000"


def first(request_id: str = "r-1") -> Attempt:
    return Attempt(request_id, is_second_opinion=False, minted_by=FIRST)


def second(request_id: str = "r-1") -> Attempt:
    return Attempt(request_id, is_second_opinion=True, minted_by=LAST_GOOD)


def account(name: str = "ada", **changes: object) -> Account:
    values: dict[str, object] = {
        "id": f"id-{name}",
        "email": f"{name.title()}@example.org",
        "email_key": f"{name}@example.org",
        "roles": ("admin", "reader"),
        "disabled": False,
        "probe": False,
        "created_at": NOW,
        "password_hash": f"hash of {name}",
        **changes,
    }
    return Account(**values)  # type: ignore[arg-type]


def session(secret: str = "1", user: str = "ada", *, seconds: int = 3600) -> Session:
    return Session(f"hash-{secret}", f"id-{user}", NOW, NOW + seconds, FIRST)


def add_account(store: Store, name: str = "ada", **changes: object) -> Account:
    made = account(name, **changes)
    with store.write() as connection:
        assert Accounts().add(connection, made, first(f"r-{name}")) == made
    return made


def add_session(store: Store, made: Session, attempt: Attempt, user: str = "ada") -> bool:
    with store.write() as connection:
        return Sessions().start(connection, made, password_hash=f"hash of {user}", attempt=attempt)


def add_client(store: Store) -> None:
    values = {
        "client_id": "app",
        "redirect_uris": [],
        "post_logout_redirect_uris": [],
        "grants": [],
        "scopes": [],
        "probe": False,
        "created_at": NOW,
    }
    with store.write() as connection:
        connection.execute(
            insert(clients).values({k: v for k, v in values.items() if k in clients.c})
        )


def add_grants(store: Store, session_hash: str, *, user: str = "ada", family: str = "f-1") -> None:
    """Store a family of refresh tokens and an unused code that hang on a session."""
    shared = {
        "client_id": "app",
        "user_id": f"id-{user}",
        "session_hash": session_hash,
        "scope": "openid",
        "auth_time": NOW,
        "minted_by": FIRST,
    }
    with store.write() as connection:
        connection.execute(insert(grant_families).values(id=family, created_at=NOW, **shared))
        connection.execute(
            insert(authorization_codes).values(
                code_hash=f"code-{family}",
                redirect_uri="http://app.example/callback",
                code_challenge="x",
                expires_at=NOW + 60,
                created_by_request=f"r-{family}",
                **shared,
            )
        )

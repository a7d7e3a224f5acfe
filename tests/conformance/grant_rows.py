"""Codes, families and refresh tokens that the conformance suites start from."""

from ostiary.identity.oauth.grants.families import Families
from ostiary.identity.oauth.grants.model import Family, StoredCode, StoredRefreshToken
from ostiary.identity.oauth.grants.refresh_tokens import RefreshTokens
from ostiary.identity.store.engine import Store
from tests.conformance.identity_rows import FIRST, NOW


def code(code_hash: str = "c-1", **changes: object) -> StoredCode:
    values: dict[str, object] = {
        "code_hash": code_hash,
        "client_id": "app",
        "user_id": "id-ada",
        "session_hash": "hash-1",
        "redirect_uri": "https://app.example/callback",
        "scope": "openid",
        "nonce": "n",
        "code_challenge": "x" * 43,
        "auth_time": NOW,
        "expires_at": NOW + 60,
        **changes,
    }
    return StoredCode(**values)  # type: ignore[arg-type]


def family(family_id: str = "f-1", **changes: object) -> Family:
    values: dict[str, object] = {
        "id": family_id,
        "client_id": "app",
        "user_id": "id-ada",
        "session_hash": "hash-1",
        "scope": "openid",
        "auth_time": NOW,
        **changes,
    }
    return Family(**values)  # type: ignore[arg-type]


def token(token_hash: str, **changes: object) -> StoredRefreshToken:
    values: dict[str, object] = {
        "token_hash": token_hash,
        "family_id": "f-1",
        "parent_hash": None,
        "issued_by_request": f"r-{token_hash}",
        "expires_at": NOW + 3600,
        **changes,
    }
    return StoredRefreshToken(**values)  # type: ignore[arg-type]


def add_family(store: Store, family_id: str = "f-1", *token_hashes: str) -> None:
    """Store a family with refresh tokens that nobody has used."""
    with store.write() as connection:
        Families().add(connection, family(family_id), minted_by=FIRST, now=NOW)
    add_tokens(store, *(token(one, family_id=family_id) for one in token_hashes))


def add_tokens(store: Store, *tokens: StoredRefreshToken) -> None:
    """Store refresh tokens."""
    with store.write() as connection:
        for one in tokens:
            RefreshTokens().add(connection, one, minted_by=FIRST, now=NOW)

"""What replicas of the small provider share, as they would share a database."""

import hashlib
import secrets
import threading
import time
import unicodedata
from collections import defaultdict
from dataclasses import dataclass, field

from joserfc.jwk import ECKey

DEFAULT_AUDIENCE = "urn:everybody"
NEW_FORMAT = "argon2id v=19 m=19456 t=2 p=1 salt=16 digest=32"
OLD_FORMAT = "argon2id v=19 m=4096 t=3 p=1 salt=16 digest=32"


@dataclass
class User:
    id: str
    email: str
    password: str
    roles: list[str]
    probe: bool
    disabled: bool = False
    hash_format: str = NEW_FORMAT


@dataclass
class Client:
    client_id: str
    secret: str | None
    redirect_uris: list[str]
    audience: str
    access_token_seconds: int
    probe: bool
    grants: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)


@dataclass
class Code:
    client_id: str
    user_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    scope: str
    session: str = ""
    used_for: str | None = None


@dataclass
class Family:
    client_id: str
    user_id: str
    scope: str
    session: str = ""
    revoked: bool = False
    refreshes: int = 0


@dataclass
class Store:
    """Users by email, and everything else by its secret."""

    users: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    audit: list[dict[str, str]] = field(default_factory=list)
    codes: dict[str, Code] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    refresh_tokens: dict[str, tuple[str, bool]] = field(default_factory=dict)
    keys: dict[str, ECKey] = field(default_factory=dict)
    hash_formats: list[str] = field(default_factory=list)
    client_kinds: list[dict] = field(default_factory=list)
    mails: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    csrf_secret: str = field(default_factory=lambda: secrets.token_hex(8))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def key_of(self, snapshot: str) -> tuple[str, ECKey]:
        """Every snapshot signs with its own key; all are published."""
        with self.lock:
            kid = f"k-{snapshot}"
            if kid not in self.keys:
                self.keys[kid] = ECKey.generate_key("P-256")
            return kid, self.keys[kid]

    def user_named(self, email: str) -> User | None:
        """Names are compared as people mean them, not as keyboards send them."""
        found = [user for user in self.users.values() if fold(user.email) == fold(email)]
        return found[0] if found else None

    def user_by_id(self, user_id: str) -> User | None:
        found = [user for user in self.users.values() if user.id == user_id]
        return found[0] if found else None

    def delete_user(self, email: str) -> bool:
        with self.lock:
            user = self.users.pop(email, None)
            if user is None:
                return False
            self.sessions = {k: v for k, v in self.sessions.items() if v != user.id}
            for family in self.families.values():
                family.revoked = family.revoked or family.user_id == user.id
            return True

    def families_of(self, session: str) -> list[Family]:
        return [
            family for family in self.families.values() if session and family.session == session
        ]

    def csrf_token(self, device: str) -> str:
        return hashlib.sha256(f"{self.csrf_secret}{device}".encode()).hexdigest()


def fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def now() -> int:
    return int(time.time())

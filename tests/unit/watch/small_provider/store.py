"""What replicas of the small provider share, as they would share a database."""

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass, field

from joserfc.jwk import ECKey

DEFAULT_AUDIENCE = "urn:everybody"


@dataclass
class User:
    id: str
    email: str
    password: str
    roles: list[str]
    probe: bool
    disabled: bool = False


@dataclass
class Client:
    client_id: str
    secret: str | None
    redirect_uris: list[str]
    audience: str
    access_token_seconds: int
    probe: bool


@dataclass
class Code:
    client_id: str
    user_id: str
    redirect_uri: str
    nonce: str
    challenge: str
    scope: str
    used_for: str | None = None


@dataclass
class Family:
    client_id: str
    user_id: str
    scope: str
    revoked: bool = False


@dataclass
class Store:
    """Users by email, and everything else by its secret."""

    users: dict[str, User] = field(default_factory=dict)
    clients: dict[str, Client] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    families: dict[str, Family] = field(default_factory=dict)
    refresh_tokens: dict[str, tuple[str, bool]] = field(default_factory=dict)
    keys: dict[str, ECKey] = field(default_factory=dict)
    csrf_secret: str = field(default_factory=lambda: secrets.token_hex(8))
    lock: threading.RLock = field(default_factory=threading.RLock)

    def key_of(self, snapshot: str) -> tuple[str, ECKey]:
        """Every snapshot signs with its own key; all are published."""
        with self.lock:
            kid = f"k-{snapshot}"
            if kid not in self.keys:
                self.keys[kid] = ECKey.generate_key("P-256")
            return kid, self.keys[kid]

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

    def csrf_token(self, device: str) -> str:
        return hashlib.sha256(f"{self.csrf_secret}{device}".encode()).hexdigest()


def now() -> int:
    return int(time.time())

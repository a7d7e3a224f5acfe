"""Browsers that have signed in before: known to us by a cookie that nobody else can make.

The cookie names the device, with a keyed hash over its name. For each of a few accounts it holds a
proof: a keyed hash over the device, the account and the day on which the proof ends. It tells
nobody which accounts these are, and a proof for one account is worth nothing for another one, nor
in another device's cookie.

The cookie opens no session. It only lets its holder wait less, and fail on their own account.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass

from ostiary.kernel.ids import Random

SECRET_NAME = "devices"  # noqa: S105 - the name of a secret, not the secret
"""Name of the shared secret in the store."""

ACCOUNTS_MAX = 5
"""Accounts that one browser is known for; the longest unused is forgotten first."""

KNOWN_SECONDS = 180 * 86_400
"""How long a browser stays known without signing in."""

_DAY_SECONDS = 86_400
_NAME_BYTES = 12
_NAME_LENGTH = 16
_PROOF_BYTES = 12
_NAME_OF = "device name"
_COOKIE = re.compile(r"[A-Za-z0-9_-]{32}(\.[0-9a-f]{4}[A-Za-z0-9_-]{16}){1,5}")


@dataclass(frozen=True, slots=True)
class Device:
    """What a cookie says of a browser: its name, and its proofs, the newest first."""

    name: str
    proofs: tuple[str, ...] = ()

    @property
    def cookie(self) -> str:
        """Return the cookie's value."""
        return ".".join((self.name, *self.proofs))


class KnownDevices:
    """Makes and checks the proofs."""

    def __init__(self, secret: bytes, rng: Random) -> None:
        self._secret = secret
        self._rng = rng

    def read(self, cookie: str | None) -> Device | None:
        """Return the device that a cookie names, None where the name was not given by us.

        So only a browser that has signed in to some account has one. Which accounts it is known
        for is another question.
        """
        if cookie is None or not _COOKIE.fullmatch(cookie):
            return None
        name, *proofs = cookie.split(".")
        expected = self._name(name[:_NAME_LENGTH])
        if not hmac.compare_digest(name.encode(), expected.encode()):
            return None
        return Device(name, tuple(proofs))

    def knows(self, device: Device | None, account: str, *, now: int) -> bool:
        """Return whether this browser has signed in to the account before, and lately enough."""
        return device is not None and self._proof_for(device, account, now=now) is not None

    def remember(self, device: Device | None, account: str, *, now: int) -> Device:
        """Return the device with a fresh proof for the account, as a new one if there was none."""
        if device is None:
            device = Device(self._name(self._rng.token(_NAME_BYTES)[:_NAME_LENGTH]))
        old = self._proof_for(device, account, now=now)
        kept = [proof for proof in device.proofs if proof != old]
        day = f"{(now + KNOWN_SECONDS) // _DAY_SECONDS:04x}"
        fresh = day + self._proof(device.name, account, day)
        return Device(device.name, (fresh, *kept[: ACCOUNTS_MAX - 1]))

    def _proof_for(self, device: Device, account: str, *, now: int) -> str | None:
        today = now // _DAY_SECONDS
        for proof in device.proofs:
            day, presented = proof[:4], proof[4:]
            expected = self._proof(device.name, account, day)
            if hmac.compare_digest(presented.encode(), expected.encode()) and int(day, 16) > today:
                return proof
        return None

    def _name(self, drawn: str) -> str:
        return drawn + self._keyed_hash(_NAME_OF, drawn)

    def _proof(self, device: str, account: str, day: str) -> str:
        return self._keyed_hash(SECRET_NAME, device, account, day)

    def _keyed_hash(self, *parts: str) -> str:
        message = "\0".join(parts).encode()
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()[:_PROOF_BYTES]
        return base64.urlsafe_b64encode(digest).decode()

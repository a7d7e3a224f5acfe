"""Tokens that were found good before, so that the next request with one costs no signature."""

from dataclasses import dataclass
from threading import Lock

from ostiary.verify.principal import Principal
from ostiary.verify.tokens.claims import Validity


@dataclass(frozen=True, slots=True)
class SeenToken:
    """What was found. `key` is the fingerprint of the key whose signature was good."""

    principal: Principal
    validity: Validity
    key: str


class SeenTokens:
    """A bounded memory by the SHA-256 of a token, the oldest forgotten first. Thread-safe.

    Only tokens with a good signature come in, so nobody can fill it but the issuer's own clients.
    Whether a token still counts is for the checker to say, each time.
    """

    def __init__(self, entries_max: int) -> None:
        self._entries_max = entries_max
        self._entries: dict[bytes, SeenToken] = {}
        self._writing = Lock()
        self.find = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, digest: bytes, seen: SeenToken) -> None:
        """Remember a token that is good now."""
        if self._entries_max == 0:
            return
        with self._writing:
            self._entries.pop(digest, None)
            while len(self._entries) >= self._entries_max:
                del self._entries[next(iter(self._entries))]
            self._entries[digest] = seen

    def forget(self, digest: bytes) -> None:
        """Forget a token that counts no longer."""
        with self._writing:
            self._entries.pop(digest, None)

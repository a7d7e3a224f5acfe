"""Randomness as an injected dependency.

Only this module draws from the machine's random source. Simulations and tests inject a seeded one.
"""

import random
import secrets
from typing import Protocol


class Random(Protocol):
    """A source of random bytes and choices."""

    def token(self, byte_count: int = 32) -> str:
        """Return URL-safe text carrying `byte_count` random bytes."""
        ...

    def hex(self, byte_count: int) -> str:
        """Return lower-case hexadecimal text of `byte_count` random bytes."""
        ...

    def uniform(self) -> float:
        """Return a float in [0, 1)."""
        ...


class SystemRandom:
    """The operating system's cryptographic random source."""

    def token(self, byte_count: int = 32) -> str:
        """Return URL-safe text carrying `byte_count` random bytes."""
        return secrets.token_urlsafe(byte_count)

    def hex(self, byte_count: int) -> str:
        """Return lower-case hexadecimal text of `byte_count` random bytes."""
        return secrets.token_hex(byte_count)

    def uniform(self) -> float:
        """Return a float in [0, 1)."""
        return secrets.SystemRandom().random()


class SeededRandom:
    """A repeatable source for simulations and drills. Never use it for secrets of real users."""

    def __init__(self, seed: int | str) -> None:
        """Start the sequence that belongs to `seed`."""
        self._random = random.Random(seed)  # noqa: S311 - repeatability is its purpose

    def token(self, byte_count: int = 32) -> str:
        """Return hexadecimal text, which is URL-safe, of `byte_count` pseudo-random bytes."""
        return self.hex(byte_count)

    def hex(self, byte_count: int) -> str:
        """Return lower-case hexadecimal text of `byte_count` pseudo-random bytes."""
        return self._random.randbytes(byte_count).hex()

    def uniform(self) -> float:
        """Return a float in [0, 1)."""
        return self._random.random()

    @property
    def generator(self) -> random.Random:
        """Return the underlying generator, for distributions beyond this protocol."""
        return self._random


def new_id(prefix: str, rng: Random) -> str:
    """Return an opaque id such as `c-9f3a51c07d12`; it tells nothing about its subject."""
    return f"{prefix}-{rng.hex(6)}"

"""Password hashes: argon2id (RFC 9106)."""

import unicodedata

from argon2 import PasswordHasher as Argon2
from argon2 import Type
from argon2.exceptions import VerifyMismatchError

from ostiary.identity.configuration import IdentitySettings
from ostiary.kernel.ids import Random

_SALT_BYTES = 16
_HASH_BYTES = 32


class PasswordHasher:
    """Hashes and verifies passwords with the parameters of the settings. Thread-safe.

    A hash names its own parameters, so hashes made with others keep verifying. They are not
    renewed on sign-in: while a change is under way, the last good version must be able to read
    whatever a candidate writes, and nothing tells the candidate yet that it has become good.
    """

    def __init__(self, settings: IdentitySettings, rng: Random) -> None:
        """Prepare the hash against which unknown users are verified; this costs one hash."""
        self._argon2 = Argon2(
            time_cost=settings.hash_time_cost,
            memory_cost=settings.hash_memory_kib,
            parallelism=settings.hash_parallelism,
            hash_len=_HASH_BYTES,
            salt_len=_SALT_BYTES,
            type=Type.ID,
        )
        self._rng = rng
        self._nobodys_hash = self.hash(rng.token())

    def hash(self, password: str) -> str:
        """Return the encoded hash of a password: parameters, salt and digest.

        Takes tens of milliseconds: call it before any transaction begins.
        """
        salt = bytes.fromhex(self._rng.hex(_SALT_BYTES))
        return self._argon2.hash(normalise(password), salt=salt)

    def verify(self, password_hash: str, password: str) -> bool:
        """Return whether the password belongs to the hash.

        Raises `argon2.exceptions.InvalidHashError` for text that is no hash. That is damage in
        the store and must not look like a wrong password.
        """
        try:
            return self._argon2.verify(password_hash, normalise(password))
        except VerifyMismatchError:
            return False

    def verify_nobody(self, password: str) -> None:
        """Do the work of `verify` for an unknown user, so that time does not tell who exists."""
        self.verify(self._nobodys_hash, password)


def normalise(password: str) -> bytes:
    """Return the bytes that are hashed: NFKC as NIST SP 800-63B advises, so keyboards agree."""
    return unicodedata.normalize("NFKC", password).encode()

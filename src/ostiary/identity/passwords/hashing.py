"""Password hashes: argon2id (RFC 9106)."""

import unicodedata
from base64 import b64encode
from collections.abc import Callable

import structlog
from argon2.exceptions import HashingError, InvalidHashError

from ostiary.identity.configuration import IdentitySettings
from ostiary.identity.passwords.admission import Priority
from ostiary.identity.passwords.claims import Claim
from ostiary.identity.passwords.formats import HashFormat
from ostiary.identity.passwords.gate import HashGate, OverloadedError
from ostiary.identity.passwords.hash_pool import HashPool, HashProcessError
from ostiary.identity.passwords.hash_process import (
    FAILED,
    INVALID,
    MATCH,
    request_hash,
    request_verification,
)
from ostiary.identity.passwords.policy import BYTES_MAX, is_too_long
from ostiary.kernel.ids import Random

_LOG = structlog.get_logger("ostiary.identity.passwords")
_SALT_BYTES = 16
_DIGEST_BYTES = 32
_VERSION = 19
_TRUSTED = Claim(Priority.KNOWN)


class PasswordHasher:
    """Hashes and verifies passwords with the parameters of the settings. Thread-safe.

    Every hash passes the gate: each method raises `OverloadedError` when there is no room for it,
    or nobody to make it.

    A hash names its own parameters, so hashes made with others keep verifying. They are not
    renewed on sign-in: while a change is under way, the last good version must be able to read
    whatever a candidate writes, and nothing tells the candidate yet that it has become good.
    """

    def __init__(
        self, settings: IdentitySettings, rng: Random, gate: HashGate, pool: HashPool
    ) -> None:
        self._format = HashFormat(
            "argon2id",
            _VERSION,
            memory_kib=settings.hash_memory_kib,
            time_cost=settings.hash_time_cost,
            parallelism=settings.hash_parallelism,
            salt_bytes=_SALT_BYTES,
            digest_bytes=_DIGEST_BYTES,
        )
        self._rng = rng
        self._gate = gate
        self._pool = pool
        self._nobodys_hash = self._hash_of_nothing()

    def require_room(self, best: Priority) -> None:
        """Raise `OverloadedError` when a request of this priority would be sent away now."""
        self._gate.require_room(best)

    def hash(
        self, password: str, claim: Claim = _TRUSTED, *, made_as: HashFormat | None = None
    ) -> str:
        """Return the encoded hash of a password: parameters, salt and digest.

        It is of the settings' format, or `made_as` another one. Takes tens of milliseconds: call it
        before any transaction begins.
        """
        kind = made_as or self._format
        salt = bytes.fromhex(self._rng.hex(kind.salt_bytes))
        encoded = self._ask(
            lambda: request_hash(kind.variant, kind.numbers, normalise(password), salt=salt), claim
        )
        return kind.written(encoded.decode())

    def verify(self, password_hash: str, password: str, claim: Claim = _TRUSTED) -> bool:
        """Return whether the password belongs to the hash.

        A text that is too long for any password is not, and costs what a wrong password costs.

        Raises `argon2.exceptions.InvalidHashError` for text that is no hash. That is damage in
        the store and must not look like a wrong password.
        """
        if is_too_long(password):
            password_hash, password = self._nobodys_hash, ""
        answer = self._ask(lambda: request_verification(password_hash, normalise(password)), claim)
        return answer == MATCH

    def verify_nobody(self, password: str, claim: Claim = _TRUSTED) -> None:
        """Do the work of `verify` for an unknown user, so that time does not tell who exists."""
        self.verify(self._nobodys_hash, password, claim)

    def _ask(self, request: Callable[[], bytes], claim: Claim) -> bytes:
        """Return a process's answer; the request is made behind the gate, since it costs, too."""
        try:
            answer = self._gate.run(lambda: self._pool.ask(request()), claim)
        except HashProcessError as error:
            # The password was not checked, and another replica may be able to.
            _LOG.error("no hash process", cause=str(error))
            raise OverloadedError(claim.priority) from error
        if answer == INVALID:
            raise InvalidHashError
        if answer.startswith(FAILED):
            raise HashingError(answer.removeprefix(FAILED).decode())
        return answer

    def _hash_of_nothing(self) -> str:
        """Return a text that verifies no password and costs what every hash costs."""
        parts = (bytes.fromhex(self._rng.hex(length)) for length in (_SALT_BYTES, _DIGEST_BYTES))
        salt, digest = (b64encode(part).rstrip(b"=").decode() for part in parts)
        return f"{self._format.costs}{salt}${digest}"


def normalise(password: str) -> bytes:
    """Return the bytes that are hashed: NFKC as NIST SP 800-63B advises, so keyboards agree.

    Raises `ValueError` for text that is too long for a password; see `policy.is_too_long`.
    """
    if is_too_long(password):
        raise ValueError(f"A password has at most {BYTES_MAX} characters.")
    return unicodedata.normalize("NFKC", password).encode()

"""The whole check of one token, in its order."""

from collections.abc import Sequence
from hashlib import sha256

from ostiary.verify.errors import Reason, TokenRefusedError, UnknownKeyError
from ostiary.verify.keys.key_set import KeySet, PublishedKey
from ostiary.verify.principal import Principal
from ostiary.verify.tokens.claims import Expected, read_claims
from ostiary.verify.tokens.compact import decode, split
from ostiary.verify.tokens.header import Header, read_header
from ostiary.verify.tokens.seen import SeenToken, SeenTokens

_CANDIDATES_MAX = 4


class TokenChecker:
    """Checks tokens by a set of keys. It waits for nothing. Thread-safe."""

    def __init__(
        self,
        expected: Expected,
        seen: SeenTokens,
        *,
        algorithms: frozenset[str],
        token_bytes_max: int,
    ) -> None:
        self._expected = expected
        self._seen = seen
        self._algorithms = algorithms
        self._token_bytes_max = token_bytes_max

    def check(self, token: bytes, keys: KeySet, now: float) -> Principal:
        """Return whom a token speaks of. `now` is in Unix seconds.

        Raises `TokenRefusedError`; of that `UnknownKeyError` where another set of keys could let it
        through.
        """
        if len(token) > self._token_bytes_max:
            raise TokenRefusedError(Reason.TOO_LONG)
        digest = sha256(token).digest()
        seen = self._seen.find(digest)
        if seen is not None:
            if seen.key in keys.fingerprints:
                validity = seen.validity
                if validity.begins <= now < validity.ends:
                    return seen.principal
            self._seen.forget(digest)
        return self._check_anew(token, keys, now, digest)

    def _check_anew(self, token: bytes, keys: KeySet, now: float, digest: bytes) -> Principal:
        """Check what was not seen before.

        Claims come before the signature: they are cheap, and a token that is refused for them needs
        no key, so nobody's old tokens make the keys be fetched again. Nothing of them is believed
        until the signature is.
        """
        header_part, payload_part, signature_part = split(token)
        header = read_header(header_part)
        if header.algorithm not in self._algorithms:
            raise TokenRefusedError(Reason.ALGORITHM)
        principal, validity = read_claims(decode(payload_part), self._expected)
        validity.check(now)
        signature = decode(signature_part)
        signed = token[: len(token) - len(signature_part) - 1]
        for key in _candidates(keys, header):
            if key.verifies(header.algorithm, signed, signature):
                self._seen.add(digest, SeenToken(principal, validity, key.fingerprint))
                return principal
        raise TokenRefusedError(Reason.SIGNATURE)


def _candidates(keys: KeySet, header: Header) -> Sequence[PublishedKey]:
    """Return the keys that may have signed: those with the id, and the algorithm of the header.

    The algorithm is one that the key is for; what a header says never chooses how it is checked
    (RFC 8725, section 3.1).
    """
    if header.key_id is None:
        unnamed = keys.for_algorithm(header.algorithm)
        if len(unnamed) > _CANDIDATES_MAX:
            raise TokenRefusedError(Reason.MALFORMED, "no header kid, and many keys")
        if not unnamed:
            raise UnknownKeyError
        return unnamed
    named = keys.named(header.key_id)
    if not named:
        raise UnknownKeyError
    fitting = [key for key in named if header.algorithm in key.algorithms]
    if not fitting:
        raise TokenRefusedError(Reason.ALGORITHM, "its key is for another")
    return fitting[:_CANDIDATES_MAX]

"""Marks that show which snapshot minted an access token, whatever else is wrong with it.

A token that this service minted and cannot accept is the fault of whoever minted it. Its `kid`
says who that was, and anybody can write a published `kid` into a token of their own; its signature
would prove it, and may be just what is wrong. Therefore the token's id (`jti`, RFC 7519, section
4.1.7) carries a tag by a secret that all replicas share: over the id, the subject and the snapshot
(keyed BLAKE2b, RFC 7693, which takes a third of an HMAC's time). Nobody else can make one, nor move
it to another subject or snapshot.

The tag proves no more than that such a token was minted once: its holder can still spoil the rest.
Whoever counts by it must count each subject once.
"""

import hmac
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from hashlib import blake2b

SECRET_NAME = "mint_marks"  # noqa: S105 - the name of a secret, not the secret

_TAG_BYTES = 16
_ID_CHARACTERS_MAX = 128


class MintMarks:
    """Makes and reads the ids of one service's access tokens. Thread-safe."""

    def __init__(self, secret: bytes) -> None:
        """`secret` has at most 64 bytes."""
        self._secret = secret

    def token_id(self, random_id: str, subject: str, snapshot: str) -> str:
        """Return the id of a token that a snapshot mints; `random_id` has no dot."""
        return f"{random_id}.{self._tag(random_id, subject, snapshot)}"

    def minter_of(self, token_id: object, subject: object, snapshots: Iterable[str]) -> str | None:
        """Return which of the snapshots minted the token that says so of itself.

        None where none did: the id was made up, belongs to another subject, or is an older
        release's, which had no tag.
        """
        if not isinstance(token_id, str) or not isinstance(subject, str):
            return None
        random_id, dot, tag = token_id.partition(".")
        if not dot or not token_id.isascii() or len(token_id) > _ID_CHARACTERS_MAX:
            return None
        for snapshot in snapshots:
            if hmac.compare_digest(tag, self._tag(random_id, subject, snapshot)):
                return snapshot
        return None

    def _tag(self, random_id: str, subject: str, snapshot: str) -> str:
        # With their lengths in front, parts cannot be shifted into each other.
        parts = f"{len(random_id)}:{random_id}{len(snapshot)}:{snapshot}{subject}"
        content = parts.encode(errors="surrogatepass")
        digest = blake2b(content, key=self._secret, digest_size=_TAG_BYTES).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

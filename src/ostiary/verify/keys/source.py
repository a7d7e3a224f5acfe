"""Fetching the keys of one issuer: its metadata now and then, its key set each time."""

import logging
from dataclasses import dataclass
from typing import Protocol

from ostiary.verify.clock import Clock
from ostiary.verify.keys.discovery import metadata_urls, read_jwks_uri
from ostiary.verify.keys.fetching import Document, FetchFailedError, NotThereError
from ostiary.verify.keys.key_set import KeySet, UnusableKeysError, read_key_set

_logger = logging.getLogger("ostiary.verify")
_METADATA_SECONDS = 3_600.0


class Fetch(Protocol):
    """What reads a document at an address."""

    def fetch(self, url: str) -> Document:
        """Return it. Raises `FetchFailedError`."""
        ...


@dataclass(frozen=True, slots=True)
class FetchedKeys:
    """Keys, and for how many seconds the issuer says that they hold; None where it does not."""

    keys: KeySet
    max_age_seconds: int | None


class IssuerKeys:
    """The keys of one issuer, over the network. For one thread at a time."""

    def __init__(
        self,
        issuer: str,
        *,
        jwks_uri: str | None,
        algorithms: frozenset[str],
        fetcher: Fetch,
        clock: Clock,
    ) -> None:
        """With `jwks_uri` the metadata is never asked for."""
        self._issuer = issuer
        self._algorithms = algorithms
        self._fetcher = fetcher
        self._clock = clock
        self._address = jwks_uri
        self._discovers = jwks_uri is None
        self._discovered_at: float | None = None

    def fetch(self) -> FetchedKeys:
        """Return the keys as they are published now. Raises `FetchFailedError`."""
        address = self._jwks_uri()
        try:
            document = self._fetcher.fetch(address)
            keys = read_key_set(document.content, self._algorithms)
        except FetchFailedError:
            self._discovered_at = None
            raise
        except UnusableKeysError as error:
            self._discovered_at = None
            raise FetchFailedError(f"{address}: {error}") from None
        return FetchedKeys(keys, document.max_age_seconds)

    def _jwks_uri(self) -> str:
        """Return where the keys are, found out anew each hour and after a failure.

        Where the metadata cannot be had, the last address is as good as it was.
        """
        now = self._clock.monotonic()
        found_at = self._discovered_at
        current = found_at is not None and now < found_at + _METADATA_SECONDS
        if self._address is not None and (current or not self._discovers):
            return self._address
        try:
            self._address = self._discover()
            self._discovered_at = now
        except FetchFailedError as error:
            if self._address is None:
                raise
            _logger.warning("Keys are fetched from where they were before: %s", error)
        return self._address

    def _discover(self) -> str:
        openid, oauth = metadata_urls(self._issuer)
        try:
            document = self._fetcher.fetch(openid)
        except NotThereError:
            document = self._fetcher.fetch(oauth)
        return read_jwks_uri(document.content, self._issuer)

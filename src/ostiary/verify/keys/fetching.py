"""Reading a document of the issuer: bounded in size and time, and only from where it was asked."""

import asyncio
import re
import ssl
from dataclasses import dataclass

import httpx

DOCUMENT_BYTES_MAX = 1_048_576
_OK, _NOT_FOUND = 200, 404
_REDIRECTS = range(300, 400)
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})(?!\d)", re.IGNORECASE)
_HEADERS = {"accept": "application/json", "accept-encoding": "identity"}


class FetchFailedError(Exception):
    """A document cannot be had, or is of no use. The message is for the log."""


class NotThereError(FetchFailedError):
    """The issuer has no such document: 404."""


@dataclass(frozen=True, slots=True)
class Document:
    """What an address answered, and for how many seconds it says that this holds."""

    content: bytes
    max_age_seconds: int | None


class Fetcher:
    """Fetches documents, one after another."""

    def __init__(
        self,
        *,
        seconds_max: float,
        tls: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`transport` replaces the network, in tests."""
        self._seconds_max = seconds_max
        self._tls = tls
        self._transport = transport

    def fetch(self, url: str) -> Document:
        """Return a document. Raises `FetchFailedError`, after `seconds_max` at the latest.

        It runs in an event loop of its own: only so a server that sends a byte now and then is
        stopped at the second that it was given.
        """
        return asyncio.run(self._fetch(url))

    async def _fetch(self, url: str) -> Document:
        if self._tls is None and self._transport is None:
            # Made once: reading all the certificates takes longer than the request.
            self._tls = httpx.create_ssl_context()
        try:
            async with (
                asyncio.timeout(self._seconds_max),
                httpx.AsyncClient(
                    verify=self._tls or True,
                    transport=self._transport,
                    timeout=self._seconds_max,
                    follow_redirects=False,
                ) as client,
                client.stream("GET", url, headers=_HEADERS) as response,
            ):
                return await _read(response, url)
        except TimeoutError:
            raise FetchFailedError(f"{url} took longer than {self._seconds_max} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError, ValueError) as error:
            # The text of such an error may repeat what the server sent.
            raise FetchFailedError(f"{url} cannot be read: {type(error).__name__}") from None


async def _read(response: httpx.Response, url: str) -> Document:
    status = response.status_code
    if status == _NOT_FOUND:
        raise NotThereError(f"{url} answered 404")
    if status in _REDIRECTS:
        # Whoever can redirect could otherwise name the keys.
        raise FetchFailedError(f"{url} answered {status}; redirects are not followed")
    if status != _OK:
        raise FetchFailedError(f"{url} answered {status}")
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise FetchFailedError(f"{url} sent an encoding that was not asked for")
    content = bytearray()
    async for chunk in response.aiter_bytes():
        content += chunk
        if len(content) > DOCUMENT_BYTES_MAX:
            raise FetchFailedError(f"{url} sent more than {DOCUMENT_BYTES_MAX} bytes")
    return Document(bytes(content), _max_age(response.headers.get("cache-control", "")))


def _max_age(cache_control: str) -> int | None:
    found = _MAX_AGE.search(cache_control)
    return None if found is None else int(found[1])

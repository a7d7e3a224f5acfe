"""The verifier: from a token to whom it speaks of, with the issuer's keys."""

import asyncio
from concurrent.futures import Future
from contextlib import suppress
from typing import Self, Unpack

import httpx

from ostiary.verify.clock import Clock, SystemClock
from ostiary.verify.configuration import Options, OptionValues, options_of
from ostiary.verify.errors import KeysUnavailableError, UnknownKeyError
from ostiary.verify.keys.fetching import Fetcher
from ostiary.verify.keys.keeper import KeyKeeper
from ostiary.verify.keys.source import IssuerKeys
from ostiary.verify.principal import Principal
from ostiary.verify.tokens.checker import TokenChecker
from ostiary.verify.tokens.seen import SeenTokens


class Verifier:
    """Checks the access tokens of one issuer. For threads and for asyncio alike.

        verifier = Verifier(issuer="https://login.example.com", audience="https://api.example.com")
        principal = verifier.verify(token)

    The keywords are those of `Options`. Nothing is fetched before the first use or `start`.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        **options: Unpack[OptionValues],
    ) -> None:
        """`clock` and `transport` replace the machine's clock and the network, in tests.

        Raises `ConfigurationError`.
        """
        self.options: Options = options_of(options)
        self._clock = clock or SystemClock()
        source = IssuerKeys(
            self.options.issuer,
            jwks_uri=self.options.jwks_uri,
            algorithms=self.options.accepted,
            fetcher=Fetcher(
                seconds_max=self.options.fetch_seconds, tls=self.options.tls, transport=transport
            ),
            clock=self._clock,
        )
        self._keys = KeyKeeper(source, clock=self._clock, pace=self.options.pace)
        self._checker = TokenChecker(
            self.options.expected,
            SeenTokens(self.options.seen_tokens_max),
            algorithms=self.options.accepted,
            token_bytes_max=self.options.token_bytes_max,
        )

    def verify(self, token: str | bytes) -> Principal:
        """Return whom an access token speaks of.

        It waits only where the key that the token names is not there, and then for `wait_seconds`.
        Raises `TokenRefusedError`, and `KeysUnavailableError` where nothing can be said about it.
        """
        text = _bytes(token)
        try:
            return self._check(text)
        except (UnknownKeyError, KeysUnavailableError):
            attempt = self._keys.ask()
            if attempt is not None:
                with suppress(TimeoutError):
                    attempt.result(self.options.wait_seconds)
        return self._check_finally(text)

    async def verify_async(self, token: str | bytes) -> Principal:
        """Do what `verify` does, and let others run where it waits."""
        text = _bytes(token)
        try:
            return self._check(text)
        except (UnknownKeyError, KeysUnavailableError):
            attempt = self._keys.ask()
            if attempt is not None:
                await _ended(attempt, self.options.wait_seconds)
        return self._check_finally(text)

    def _check(self, token: bytes) -> Principal:
        keys = self._keys.current()
        if keys is None:
            raise KeysUnavailableError(self._keys.retry_after_seconds())
        return self._checker.check(token, keys, self._clock.unix())

    def _check_finally(self, token: bytes) -> Principal:
        """Check with the keys that there are now.

        A key that is unknown while the issuer cannot be asked may well be a good one: that is 503,
        and not the client's fault.
        """
        try:
            return self._check(token)
        except UnknownKeyError:
            if self._keys.is_certain:
                raise
            raise KeysUnavailableError(self._keys.retry_after_seconds()) from None

    @property
    def is_ready(self) -> bool:
        """Return whether there are keys to verify with: what a readiness probe should ask."""
        return self._keys.current() is not None

    def start(self) -> None:
        """Begin to fetch keys, without waiting for them."""
        self._keys.start()

    def warm_up(self, seconds: float = 10.0) -> bool:
        """Fetch keys before the first request, and return whether there are some."""
        if not self.is_ready:
            attempt = self._keys.ask()
            if attempt is not None:
                with suppress(TimeoutError):
                    attempt.result(seconds)
        return self.is_ready

    def close(self) -> None:
        """Fetch nothing any more. Known keys go on counting until they are too old."""
        self._keys.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _bytes(token: str | bytes) -> bytes:
    """Return the token's text as bytes; what is not ASCII is refused where it is taken apart."""
    return token if isinstance(token, bytes) else token.encode("utf-8", "replace")


async def _ended(attempt: "Future[None]", seconds: float) -> None:
    """Wait for the end of an attempt. Whoever stops waiting stops it for nobody else."""
    loop, ended = asyncio.get_running_loop(), asyncio.Event()

    def tell(_: "Future[None]") -> None:
        with suppress(RuntimeError):  # the loop was closed meanwhile
            loop.call_soon_threadsafe(ended.set)

    attempt.add_done_callback(tell)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ended.wait()

"""Sending one request to a target, under a deadline, and checking what every answer must carry.

Redirects are never followed here and cookies are not known here. The transport is shared: its
connections are reused by all devices, and it never sees a proxy setting of the environment.
"""

import asyncio
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode, urlsplit

import httpx

from ostiary.kernel import outcomes
from ostiary.kernel.request_kinds import class_of
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.target import Target

_FORM_TYPE = "application/x-www-form-urlencoded"


class Wire:
    """The way to one target. `seen` collects the strata that answered at all."""

    def __init__(
        self,
        target: Target,
        transport: httpx.AsyncBaseTransport,
        *,
        seconds_max: float = 10.0,
        seen: set[str] | None = None,
    ) -> None:
        """Send to `target` over `transport`; a request takes at most `seconds_max` seconds."""
        self.target = target
        self.seen: set[str] = set() if seen is None else seen
        self._transport = transport
        self._seconds_max = seconds_max

    async def send(
        self,
        step: str,
        method: str,
        location: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: Iterable[tuple[str, str]] | None = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send one request for a location of the issuer and return the answer.

        `content` is any other body than a form, its type among the headers.
        Raises `StepFailedError` where none came in time, or where one came without the outcome
        header that the target must send.
        """
        target, public = self.target, self.target.public(location)
        fields = None if form is None else list(form)
        stratum = target.stratum_of(method, urlsplit(public).path, dict(fields or ()))
        named = target.as_edge.headers(target.issuer) if target.as_edge is not None else {}
        request_id = named.get(outcomes.REQUEST_ID_HEADER, "")
        try:
            request = self._request(method, public, {**(headers or {}), **named}, fields, content)
            async with asyncio.timeout(self._seconds_max):
                response = await self._receive(request)
        except TimeoutError:
            kind, text = FailureKind.TIMEOUT, "no answer in time"
            raise self._no_answer(step, stratum, kind, text, request_id=request_id) from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            kind, text = FailureKind.NO_ANSWER, f"{type(error).__name__}: {error}"[:120]
            raise self._no_answer(step, stratum, kind, text, request_id=request_id) from error
        self.seen |= {stratum, class_of(stratum)}
        answer = Answer(
            step=step,
            method=method,
            url=public.partition("?")[0],
            stratum=stratum,
            target=target.name,
            status=response.status_code,
            headers=response.headers,
            body=response.content,
            named=request_id,
            asked=public,
        )
        self._check_outcome_header(answer)
        return answer

    def _request(
        self,
        method: str,
        public: str,
        headers: Mapping[str, str],
        form: Iterable[tuple[str, str]] | None,
        content: bytes | None,
    ) -> httpx.Request:
        wanted = {"host": self.target.host, "accept": "*/*", **headers}
        if form is not None:
            content = urlencode(list(form)).encode()
            wanted["content-type"] = _FORM_TYPE
        if self.target.pin is not None:
            wanted[outcomes.PIN_HEADER] = self.target.pin
        address = self.target.address(public)
        return httpx.Request(method, address, headers=wanted, content=content)

    async def _receive(self, request: httpx.Request) -> httpx.Response:
        response = await self._transport.handle_async_request(request)
        try:
            await response.aread()
        finally:
            await response.aclose()
        return response

    def _no_answer(
        self, step: str, stratum: str, kind: FailureKind, got: str, *, request_id: str
    ) -> StepFailedError:
        return StepFailedError(
            step=step,
            kind=kind,
            expected="an answer",
            got=got,
            stratum=stratum,
            target=self.target.name,
            request_id=request_id,
        )

    def _check_outcome_header(self, answer: Answer) -> None:
        """Every answer of a replica names its snapshot and an outcome of the closed list."""
        if self.target.snapshot is None:
            return
        header = answer.headers.get(outcomes.OUTCOME_HEADER, "")
        _, _, word = header.partition("/")
        known = bool(word) and outcomes.parse(word).value == word
        answer.require(
            answer.snapshot == self.target.snapshot and known,
            f"the header {outcomes.OUTCOME_HEADER}: {self.target.snapshot}/<outcome>",
            got=f"{answer.describe()}, header {header[:80]!r}",
            kind=FailureKind.WRONG_CONTENT,
        )

"""Going through one journey at one target, step by step, until one fails."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from ostiary.kernel.clock import Clock
from ostiary.watch.journeys.report import JourneyFailure
from ostiary.watch.own_journeys.expectations import came, first_difference
from ostiary.watch.own_journeys.json_values import NOTHING, as_text
from ostiary.watch.own_journeys.requests import Sent, request_of
from ostiary.watch.own_journeys.settings import JourneySettings, StepSettings
from ostiary.watch.own_journeys.sources import parse_source
from ostiary.watch.own_journeys.values import NoValueError, Values
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.cookies import CookieJar
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire

BODY_BYTES_MAX = 1024 * 1024
JOURNEY_SECONDS_MAX = 120.0
_REDIRECTS_MAX = 8
_KEPT_METHOD = (307, 308)


@dataclass(frozen=True, slots=True)
class Place:
    """A target, and what connects to it."""

    target: Target
    transport: httpx.AsyncBaseTransport


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step went; `failure` is None where it did what it must."""

    step: str
    came: str
    seconds: float
    failure: JourneyFailure | None = None


def settings_name(name: str) -> str:
    """Return how an own journey is called among the others: as its table in `[guard]`."""
    return f"journeys.{name}"


async def walk(
    name: str, journey: JourneySettings, place: Place, values: Values, clock: Clock
) -> list[StepResult]:
    """Return the results of the steps; the last one may be a failure, and then nothing follows."""
    device = _Device(place, values)
    results: list[StepResult] = []
    ends = clock.monotonic() + JOURNEY_SECONDS_MAX
    for step in journey.steps:
        began = clock.monotonic()
        try:
            if began > ends:
                _fail(step, place.target, f"an end within {JOURNEY_SECONDS_MAX:.0f} s", "more")
            said = await device.take(step)
        except StepFailedError as error:
            failure = JourneyFailure.of(settings_name(name), error)
            results.append(StepResult(step.name, error.got, clock.monotonic() - began, failure))
            break
        results.append(StepResult(step.name, said, clock.monotonic() - began))
    return results


class _Device:
    """One device on one journey: its cookies, and the values it has captured."""

    def __init__(self, place: Place, values: Values) -> None:
        self._place = place
        self._values = values
        self._jar = CookieJar()

    async def take(self, step: StepSettings) -> str:
        """Take a step and return what came; raises `StepFailedError`."""
        try:
            async with asyncio.timeout(step.seconds_max):
                answer = await self._answer(step)
            self._check(step, answer)
        except TimeoutError:
            text = f"no answer within {step.seconds_max:g} s"
            _fail(step, self._place.target, "an answer", text, FailureKind.TIMEOUT)
        except NoValueError as error:
            _fail(step, self._place.target, "values for all inserts", str(error))
        return came(answer, self._values.redactor)

    async def _answer(self, step: StepSettings) -> Answer:
        sent = request_of(step, self._values)
        answer = await self._send(step, sent)
        hops = 0
        while step.follow and answer.is_redirect:
            current = urlsplit(answer.url).path
            if not self._place.target.owns(answer.location, current=current):
                break
            hops += 1
            if hops > _REDIRECTS_MAX:
                self._fail(answer, "an end of the redirects", came(answer, self._values.redactor))
            location = self._place.target.public(answer.location, current=current)
            sent = _redirected(sent, location, answer.status)
            answer = await self._send(step, sent)
        return answer

    async def _send(self, step: StepSettings, sent: Sent) -> Answer:
        """Send one request with the cookies of the device, and keep those that come."""
        target = self._place.target
        if not target.owns(sent.location):
            _fail(step, target, "a location of the issuer", "one of somebody else")
        path = urlsplit(target.public(sent.location)).path
        if not path.startswith("/"):
            _fail(step, target, "a location with a path", "one without")
        headers = dict(sent.headers)
        if cookies := self._jar.header(path):
            headers.setdefault("cookie", cookies)
            if sent.method != "GET":
                # As a browser does: whoever checks it has to see the issuer's own pages.
                headers.setdefault("origin", target.origin)
        wire = Wire(target, self._place.transport, seconds_max=step.seconds_max)
        try:
            answer = await wire.send(
                step.name, sent.method, sent.location, headers=headers, content=sent.content
            )
        except StepFailedError as error:
            # What connections say of a broken answer may repeat a part of it.
            error.got = self._values.redactor.shown(error.got)
            raise
        if len(answer.body) > BODY_BYTES_MAX:
            self._fail(answer, f"a body of at most {BODY_BYTES_MAX} bytes", "a larger one")
        self._jar.store(answer.headers.get_list("set-cookie"))
        return answer

    def _check(self, step: StepSettings, answer: Answer) -> None:
        difference = first_difference(answer, step.expect, self._values)
        if difference is not None:
            expected, got, kind = difference
            self._fail(answer, expected, got, kind)
        for name, source in step.capture.items():
            value = parse_source(source).read(answer)
            if value is NOTHING:
                got = came(answer, self._values.redactor)
                self._fail(answer, f"a value at {source.partition(':')[0]}:…", got)
            self._values.capture(name, as_text(value))

    def _fail(
        self,
        answer: Answer,
        expected: str,
        got: str,
        kind: FailureKind = FailureKind.WRONG_CONTENT,
    ) -> None:
        answer.fail(expected, got=got, kind=kind)


def _redirected(sent: Sent, location: str, status: int) -> Sent:
    """Return the request that follows a redirect (RFC 9110, section 15.4)."""
    if status in _KEPT_METHOD:
        return Sent(sent.method, location, sent.headers, sent.content)
    dropped = ("content-type", "authorization")
    headers = {name: value for name, value in sent.headers.items() if name not in dropped}
    return Sent("GET", location, headers, None)


def _fail(
    step: StepSettings,
    target: Target,
    expected: str,
    got: str,
    kind: FailureKind = FailureKind.WRONG_CONTENT,
) -> None:
    """Fail a step without an answer."""
    path = step.path.partition("?")[0]
    raise StepFailedError(
        step=step.name,
        kind=kind,
        expected=expected,
        got=got,
        stratum=target.stratum_of(step.method, path if path.startswith("/") else "/"),
        target=target.name,
    )

"""Posting counters to a verdict service, again and again."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from ostiary.guard.verdicts.posting import Queries, read_counters
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import NotRunningError, OstiaryError, UsageError
from ostiary.kernel.urls import http_parts

_SECONDS_MAX = 10.0


class Poster:
    """Takes one reading after the other from Prometheus, and posts each at once."""

    def __init__(self, prometheus: httpx.Client, service: httpx.Client, clock: Clock) -> None:
        self._prometheus = prometheus
        self._service = service
        self._clock = clock

    def post(self, name: str, queries: Queries) -> dict[str, Any] | None:
        """Post one reading and return the verdict after it; None while there is no revision.

        Raises `OstiaryError` where either of both does not answer, or refuses.
        """
        path = f"/verdicts/{quote(name, safe='')}"
        revision = self._asked("GET", path, None)["revision"]
        if revision is None:
            return None
        reading = read_counters(self._prometheus, queries, self._clock.now().timestamp())
        return self._asked("POST", f"{path}/counts", {"revision": revision, **reading})

    def post_for_ever(
        self, name: str, queries: Queries, *, seconds: float, tell: Callable[[str], None]
    ) -> None:
        """Post every `seconds`; what goes wrong is told once, until it is something else."""
        told = ""
        while True:
            began = self._clock.monotonic()
            try:
                self.post(name, queries)
                problem = ""
            except OstiaryError as error:
                problem = str(error)
            if problem != told:
                tell(problem or "Counts are posted again.")
                told = problem
            time.sleep(max(0.0, seconds - (self._clock.monotonic() - began)))

    def _asked(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            answer = self._service.request(method, path, json=body)
            value = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise NotRunningError(
                "verdicts_unreachable",
                f"The verdict service does not answer ({type(error).__name__}).",
                hint="Look at the address behind --to, and whether it runs.",
            ) from None
        if not answer.is_success or not isinstance(value, dict):
            told = value if isinstance(value, dict) else {}
            raise UsageError(
                str(told.get("error", "unknown")),
                str(told.get("message", f"The verdict service answers {answer.status_code}.")),
                hint=str(told.get("hint", "")),
            )
        return value


@contextmanager
def poster(*, prometheus: str, service: str, token: str, clock: Clock) -> Iterator[Poster]:
    """Provide a poster between two addresses. Raises `UsageError` for what is no address."""
    for option, url in (("--prometheus", prometheus), ("--to", service)):
        if http_parts(url) is None:
            raise UsageError(
                "url_unusable",
                f"What {option} names is no http or https URL with a host.",
                hint=f"Write for example {option} http://host.namespace.svc:8930.",
            )
    known = {"authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=prometheus, timeout=_SECONDS_MAX, trust_env=False) as one,
        httpx.Client(
            base_url=service, timeout=_SECONDS_MAX, trust_env=False, headers=known
        ) as other,
    ):
        yield Poster(one, other, clock)

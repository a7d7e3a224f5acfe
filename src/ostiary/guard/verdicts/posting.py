"""Taking the counters of both versions from a Prometheus server, as totals, for a verdict.

Three instant queries at one moment (Prometheus HTTP API, `/api/v1/query`): requests, faults and
refusals. Each gives one total per arm, route and source, by labels of these names; no rates, for
those are extrapolated. What begins again and what is new is for the verdict service to tell apart.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from ostiary.kernel.errors import UsageError

ARMS: Final = ("canary", "stable")
_SOURCES: Final = ("source", "pod", "instance")
_ROUTE: Final = "all"

Key = tuple[str, str, str]
"""Arm, route and source of a counter."""


@dataclass(frozen=True, slots=True)
class Queries:
    """What is asked of Prometheus; None where it is not counted."""

    requests: str
    faults: str
    refusals: str | None = None
    share: str | None = None


def read_counters(client: httpx.Client, queries: Queries, at: float) -> dict[str, Any]:
    """Return the counters at the Unix time `at`, as a reading without its revision.

    Raises `UsageError` where Prometheus does not answer, or answers what cannot be used: no
    requests at all, for a query that matches nothing is most likely wrong.
    """
    requests = _totals(_vector(client, queries.requests, at), "requests")
    if not requests:
        raise UsageError(
            "counts_none",
            "The query for requests gives nothing, for neither version.",
            hint="Try it in Prometheus; each result needs a label `arm`, canary or stable.",
        )
    faults = _totals(_vector(client, queries.faults, at), "faults")
    refusals = {}
    if queries.refusals is not None:
        refusals = _totals(_vector(client, queries.refusals, at), "refusals")
    counters = [
        {
            "arm": arm,
            "route": route,
            "source": source,
            "requests": total,
            "faults": min(faults.get((arm, route, source), 0), total),
            "refusals": min(refusals.get((arm, route, source), 0), total),
        }
        for (arm, route, source), total in sorted(requests.items())
    ]
    reading: dict[str, Any] = {"counters": counters}
    if queries.share is not None:
        reading["share"] = _share(_vector(client, queries.share, at))
    return reading


def _vector(client: httpx.Client, query: str, at: float) -> list[tuple[Mapping[str, str], float]]:
    """Return labels and value of each result of an instant query."""
    try:
        answer = client.get("/api/v1/query", params={"query": query, "time": f"{at:.3f}"})
        document = answer.json()
        if document["status"] != "success":
            raise _unusable(str(document.get("error", "it reports an error"))[:200])
        if document["data"]["resultType"] != "vector":
            raise _unusable("the query gives no instant vector")
        rows = [(each["metric"], float(each["value"][1])) for each in document["data"]["result"]]
    except httpx.HTTPError as error:
        raise _unusable(f"it does not answer ({type(error).__name__})") from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _unusable("its answer is none of the query API") from None
    return rows


def _totals(rows: list[tuple[Mapping[str, str], float]], what: str) -> dict[Key, int]:
    totals: dict[Key, int] = {}
    for labels, value in rows:
        source = next((str(labels[name]) for name in _SOURCES if name in labels), "")
        key = (str(labels.get("arm", "")), str(labels.get("route", _ROUTE)), source)
        if key[0] not in ARMS:
            raise _unusable(f"a result for {what} has no label `arm` that is canary or stable")
        if not math.isfinite(value) or value < 0 or key in totals:
            raise _unusable(f"the results for {what} are not one total per arm, route and source")
        totals[key] = int(value)
    return totals


def _share(rows: list[tuple[Mapping[str, str], float]]) -> float | None:
    """Return the share in percent; None where there is not exactly one that can be one."""
    values = [value for _, value in rows if 0.0 <= value <= 100.0]  # noqa: PLR2004 - percent
    return values[0] if len(rows) == len(values) == 1 else None


def _unusable(why: str) -> UsageError:
    return UsageError(
        "prometheus_unusable",
        f"Prometheus gives no counters: {why}.",
        hint="Try the queries there; `ostiary verdict post --help` says what each has to give.",
    )

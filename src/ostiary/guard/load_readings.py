"""What is read from replicas' metrics and from measurements, as numbers."""

import math
from collections.abc import Sequence
from typing import Any

from ostiary.kernel.errors import UsageError

_COUNTER = "ostiary_identity_hash_requests_total{"
_PER_SECOND_MAX = 1_000_000.0

Reading = tuple[float, float, float]
"""When, requests for a hash so far, and those of them that were sent away."""


def count_in(text: str, label: str = "") -> float:
    """Return the requests for a hash in a replica's metrics, hashed and sent away alike.

    With a `label`, only those that carry it. Raises `ValueError` where there are none, as in an
    older release, and where one is no number.
    """
    lines = [line for line in text.splitlines() if line.startswith(_COUNTER)]
    if not lines:
        raise ValueError("no such metric")
    count = sum(float(line.rpartition(" ")[2]) for line in lines if label in line)
    if not math.isfinite(count):
        raise ValueError("no such metric")
    return count


def rate_of(readings: Sequence[tuple[float, float]]) -> float | None:
    """Return the increase per second between the first and the last reading, or None."""
    (began, before), (ended, after) = readings[0], readings[-1]
    if ended <= began or after < before:
        return None
    return (after - before) / (ended - began)


def read_measurement(body: dict[str, Any]) -> tuple[str, float]:
    """Return snapshot and sign-ins a second of one replica; raises `UsageError`."""
    try:
        snapshot, rate = str(body["snapshot"]), float(body["sign_ins_per_second"])
    except (KeyError, TypeError, ValueError):
        snapshot, rate = "", 0.0
    if not snapshot or not 0 < rate < _PER_SECOND_MAX:
        raise UsageError("capacity_malformed", "This is no measured capacity.")
    return snapshot, rate

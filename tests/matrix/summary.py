"""What a run amounts to, in a few lines for people."""

from collections import Counter
from collections.abc import Sequence

from ostiary.drills.ledger import Came, Entry
from tests.matrix.moments import Span
from tests.matrix.watching import Outages, Watcher
from tests.matrix.wire import Exchange

_VERIFICATIONS = {"userinfo", "introspect"}


def summarize(
    entries: Sequence[Entry], exchanges: Sequence[Exchange], outages: Outages, watcher: Watcher
) -> list[str]:
    """Return what was tried and got, and how long what was away."""
    away = {
        name.replace("_", " "): sum(span.seconds for span in getattr(outages, name))
        for name in Outages.__dataclass_fields__
    }
    pressures = watcher.pressures() or [0.0]
    return [
        f"{len(exchanges)} exchanges, {len(entries)} actions: {_counts(entries)}",
        "seconds: " + ", ".join(f"{name} {seconds:.1f}" for name, seconds in away.items()),
        f"verifications without a database: {_counts(_verifications(entries, outages.database))}",
        (
            f"processes waited for a core {_percent(sum(pressures) / len(pressures))} of the time, "
            f"{_percent(max(pressures))} at most"
        ),
        *_slowest(entries),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _counts(entries: Sequence[Entry]) -> str:
    counted = Counter(entry.came.value for entry in entries)
    return ", ".join(f"{number} {came}" for came, number in counted.most_common()) or "none"


def _verifications(entries: Sequence[Entry], away: Sequence[Span]) -> list[Entry]:
    """Return what was asked of userinfo and introspection while the database was away.

    How much of it is granted is no promise: a replica vouches only for what it has seen lately.
    """
    return [
        entry
        for entry in entries
        if entry.action in _VERIFICATIONS
        and any(Span(entry.started, entry.ended).meets(span) for span in away)
    ]


def _slowest(entries: Sequence[Entry]) -> list[str]:
    served = [entry for entry in entries if entry.came in {Came.GRANTED, Came.REFUSED}]
    slowest = max(served, key=lambda entry: entry.ended - entry.started, default=None)
    if slowest is None:
        return []
    return [f"the slowest action: {slowest.action}, {slowest.ended - slowest.started:.1f} s"]

"""One ledger of all who came: a scenario's own users, and others who came because of its fault."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.drills.ledger import Ledger
from ostiary.drills.scoring import achieved_rate


@dataclass(frozen=True, slots=True)
class OtherTraffic:
    """What others did. `are_users` is false for attackers, to whom nothing was due."""

    ledger: Ledger
    are_users: bool


def joined(ledger: Ledger, others: Sequence[OtherTraffic]) -> Ledger:
    """Return a ledger with what others did in it.

    The visits of others are numbered down from -1, so that they are not taken for those that the
    scenario's own traffic owes. Of attackers only what they got wrongly counts.
    """
    entries = list(ledger.entries)
    visits_before = 0
    for other in others:
        numbered = [
            replace(entry, visit=-1 - visits_before - entry.visit) for entry in other.ledger.entries
        ]
        visits_before += 1 + max((entry.visit for entry in other.ledger.entries), default=-1)
        entries += [entry for entry in numbered if other.are_users or entry.wrong_yes]
    return replace(ledger, entries=tuple(entries))


def others_achieved(others: Sequence[OtherTraffic]) -> float:
    """Return the smallest share of their stated rate at which others came; 1 without any."""
    return min((achieved_rate(other.ledger) for other in others), default=1.0)

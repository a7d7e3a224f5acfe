"""The terms of one change: what was agreed about it before it began."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ostiary.changes.model import Reason
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.kernel.request_kinds import class_of
from ostiary.watch.relying_party.errors import FailureKind


@dataclass(frozen=True, slots=True)
class Replay:
    """What stopped an earlier change, to be tried again in the rehearsal of its successor.

    `strata` are the classes of routes in which it did harm or failed; empty means that its end
    named none, and the whole quick set is walked again.
    """

    change: str
    strata: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a change differs from any other.

    `intended` refusals are no evidence of harm. `replay` has the rehearsal repeat what stopped an
    earlier change. A change that `restores` an earlier good snapshot serves everybody as soon as
    its replicas run: the version that it replaces must not give second opinions any more.
    """

    intended: tuple[IntendedRefusal, ...] = ()
    replay: Replay | None = None
    restores: bool = False

    def intends(self, failures: Sequence[Reason]) -> bool:
        """Return whether journeys failed in nothing but refusals where some are intended.

        A journey knows the class of routes that refused it, not the outcome; the exact ones are
        told apart in the counts of users' requests.
        """
        routes = {one.route for one in self.intended}
        return bool(failures) and all(
            failure.numbers.get("kind") == FailureKind.REFUSED
            and class_of(str(failure.numbers.get("stratum", ""))) in routes
            for failure in failures
        )


NO_TERMS = Terms()


def replay_of(change: str, reasons: Iterable[Mapping[str, Any]]) -> Replay:
    """Return what is to be replayed of a change, given the reasons that it ended with."""
    strata = {
        str(stratum)
        for reason in reasons
        if (stratum := (reason.get("numbers") or {}).get("stratum")) not in (None, "")
    }
    return Replay(change, frozenset(strata))

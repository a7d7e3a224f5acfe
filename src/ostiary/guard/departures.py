"""Which member of a group is to go next, and why."""

from collections.abc import Sequence
from typing import Protocol

from ostiary.guard.replica_probes import Kind, Trouble
from ostiary.guard.seats import one_too_many
from ostiary.runtime.ports import Replica


class Findings(Protocol):
    """What is known of members from asking them."""

    def trouble(self, replica: Replica) -> Trouble | None:
        """Return why a replica should be replaced; None where it need not be."""
        ...

    def answered(self, replica: Replica) -> bool:
        """Return whether the replica answered its latest probe well; False before the first."""
        ...


def next_to_go(
    living: Sequence[Replica], surplus: int, findings: Findings
) -> tuple[Replica, Trouble] | None:
    """Return the member that is to go, and why; None where all may stay.

    `surplus` is how many there are more than seats, below 0 while seats are empty. One that hangs
    goes first. One that only takes much room waits for the others.
    """
    found = [(one, trouble) for one in living if (trouble := findings.trouble(one)) is not None]
    for one, trouble in found:
        if trouble.kind is Kind.HUNG:
            return one, trouble
    if surplus < 0:
        return None
    if found:
        return found[0]
    # Left over from a replacement that was begun and not ended. As long as one of them has not
    # answered, nobody knows whether the others could do without the one that goes.
    if surplus and all(map(findings.answered, living)):
        return one_too_many(living), Trouble(Kind.MEMORY, "is one more than needed")
    return None

"""What a guard has in mind about the edge and the groups of replicas: lost when it dies.

It follows `ostiary.guard.plane` rule by rule, with codes in place of replicas.
"""

from dataclasses import dataclass

from tests.simulation.campaigns.edge import Table
from tests.simulation.campaigns.outside import Outside


@dataclass
class Plane:
    """The stable group, the canary group, and the one that was replaced, by their codes."""

    outside: Outside
    last_good: str
    serving: str
    stable: str
    canary: str | None = None
    replaced: str | None = None
    canary_snapshot: str | None = None
    share: float | None = None
    intended: bool = False
    former: tuple[str, str] | None = None

    def changes_edge_only(self, snapshot: str) -> bool:
        """Return whether a snapshot is served by the replicas of last good."""
        return self.outside.codes[snapshot] == self.outside.codes[self.last_good]

    def table(self) -> Table:
        """Return what the edge is to do now."""
        if self.share is None or self.canary_snapshot is None:
            return Table(self.stable)
        edge_only = self.changes_edge_only(self.canary_snapshot)
        group = self.stable if edge_only else self.canary
        return Table(self.stable, group, self.share, edge_only, self.intended)

    def set_share(self, snapshot: str, share: float, *, intended: bool) -> None:
        """Want a share of the requests to go to the canary first."""
        self.canary_snapshot, self.share, self.intended = snapshot, share, intended

    def withdraw(self) -> None:
        """Want the last good version alone; undo a promotion."""
        if self.replaced is not None:
            self.canary, self.stable, self.replaced = self.stable, self.replaced, None
            self.last_good = self.serving = self.stable
        if self.former is not None:
            (self.last_good, self.serving), self.former = self.former, None
        self.share = None

    def promote(self, snapshot: str) -> None:
        """Want the canary group to be the stable one."""
        self.share = None
        if self.last_good == snapshot:
            return
        self.former = (self.last_good, self.serving)
        if not self.changes_edge_only(snapshot) and self.canary is not None:
            self.replaced, self.stable, self.canary = self.stable, self.canary, None
            self.serving = self.outside.codes[snapshot]
        self.last_good = snapshot

    def take_replaced(self) -> str | None:
        """Return the group that is not needed any more."""
        taken, self.replaced, self.former = self.replaced, None, None
        return taken

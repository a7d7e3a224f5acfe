"""What the guard's API needs of the guard."""

from typing import Any, Protocol

from ostiary.guard.operators.model import Operator
from ostiary.guard.orders import Kind

Answer = dict[str, Any]


class Operations(Protocol):
    """What a guard can do for its operators. Each raises `OstiaryError` for expected problems."""

    async def status(self) -> Answer:
        """Return the state of the whole system."""
        ...

    async def shut_down(self, body: Answer, caller: Operator) -> Answer:
        """Stop replicas, edge and guard in an orderly way."""
        ...

    async def identity_request(
        self, method: str, path: str, body: Answer | None, caller: Operator
    ) -> Answer:
        """Pass a request for users or clients on to the admin API of a last good replica."""
        ...

    async def record_capacity(self, body: Answer, caller: Operator) -> Answer:
        """Keep what one replica of a snapshot was measured to do."""
        ...

    async def audit(self, body: Answer, caller: Operator) -> Answer:
        """Return entries of the audit log, chosen by the parameters of `GET /admin/audit`."""
        ...

    async def check(self, body: Answer, caller: Operator) -> Answer:
        """Check a settings file beside what is served; nothing begins."""
        ...

    async def run_journeys(self, body: Answer, caller: Operator) -> Answer:
        """Run own journeys at what serves now."""
        ...

    async def propose(self, body: Answer, caller: Operator) -> Answer:
        """Begin a change; return its id and expected duration."""
        ...

    async def changes(self) -> Answer:
        """Return all changes, the newest first."""
        ...

    async def change(self, change_id: str) -> Answer:
        """Return one change with everything known about it."""
        ...

    async def patch(self, change_id: str) -> Answer:
        """Return the differing lines of a change's releases."""
        ...

    async def snapshots(self) -> Answer:
        """Return all snapshots in short."""
        ...

    async def snapshot(self, snapshot_id: str) -> Answer:
        """Return what one snapshot is made of."""
        ...

    async def revoke(self, snapshot_id: str, body: Answer, caller: Operator) -> Answer:
        """Take back all that a snapshot which does not serve has minted."""
        ...

    async def command(self, change_id: str, kind: Kind, body: Answer, caller: Operator) -> Answer:
        """Give a running change an operator's command, or take a good one back."""
        ...

    async def comment(self, change_id: str, body: Answer, caller: Operator) -> Answer:
        """Put a comment of an operator on the record of a change."""
        ...

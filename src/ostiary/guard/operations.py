"""What operators can ask of the guard, and how the answers look."""

from typing import Any
from urllib.parse import quote, urlencode

from ostiary.changes.events import Command
from ostiary.changes.pacing import expected_seconds
from ostiary.changes.proposal import start_stage
from ostiary.guard import history
from ostiary.guard.change_report import report_change
from ostiary.guard.differences import Differences
from ostiary.guard.load import CAPACITY_MEASURED, read_measurement
from ostiary.guard.proposals import Proposals
from ostiary.guard.service import Guard, GuardParts
from ostiary.guard.settings_check import check_settings
from ostiary.guard.snapshot_report import report_snapshots
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.ids import Random

Answer = dict[str, Any]
_PATCH_LINES_MAX = 4000
_COMMANDS = ("rollback", "promote", "pause", "resume")


class GuardOperations:
    """Implements the guard's API on a running guard."""

    def __init__(self, guard: Guard, parts: GuardParts, rng: Random) -> None:
        self._guard = guard
        self._parts = parts
        self._proposals = Proposals(parts, rng)

    async def status(self) -> Answer:
        """Return the state of the whole system."""
        return self._guard.status()

    async def shut_down(self, _body: Answer) -> Answer:
        """Stop everything in an orderly way; the answer comes before it is done."""
        self._guard.shut_down()
        return {"running": False}

    async def identity_request(self, method: str, path: str, body: Answer | None) -> Answer:
        """Pass a request for users or clients on to a last good replica, and journal changes."""
        answer = await self._parts.admin.request(method, quote(path, safe="/@+"), body)
        if method != "GET":
            subject = str(answer.get("email") or answer.get("client_id") or path)
            self._parts.journal.append(
                history.ACCOUNTS_CHANGED, subject, {"method": method, "path": path}
            )
        return answer

    async def audit(self, body: Answer) -> Answer:
        """Return entries of the audit log, chosen by the parameters of `GET /admin/audit`."""
        return await self._parts.admin.request("GET", f"/admin/audit?{urlencode(body)}", None)

    async def record_capacity(self, body: Answer) -> Answer:
        """Journal a measured capacity; refused while a change runs, which it would weigh on."""
        snapshot, rate = read_measurement(body)
        self._proposals.require_no_change()
        self._parts.journal.append(CAPACITY_MEASURED, snapshot, body)
        self._parts.load.learn(snapshot, rate)
        return {"snapshot": snapshot, "sign_ins_per_second": rate}

    async def check(self, body: Answer) -> Answer:
        """Check a settings file beside what is served, and begin nothing."""
        return await in_thread(lambda: check_settings(body, self._parts))

    async def propose(self, body: Answer) -> Answer:
        """Begin a change. Raises what is wrong with it before anything has happened."""
        change = await self._proposals.begin(body, self._parts.history.present())
        return await self.change(change)

    async def changes(self) -> Answer:
        """Return all changes in short, the newest first."""
        found = self._parts.history.present()
        return {"changes": [self._report(record) for record in reversed(found.changes)]}

    async def change(self, change_id: str) -> Answer:
        """Return one change. Raises `UsageError` for an unknown id."""
        found = self._parts.history.present().find(change_id)
        if found is None:
            raise UsageError(
                "change_unknown",
                f"There is no change {change_id}.",
                hint="`ostiary change list` shows all changes.",
            )
        return self._report(found)

    async def patch(self, change_id: str) -> Answer:
        """Return `{patch, patch_is_cut}`: the differing lines of a change's releases."""
        await self.change(change_id)
        record = self._parts.history.present().find(change_id)
        assert record is not None  # noqa: S101 - `change` has raised otherwise
        before, after = map(self._parts.snapshots.get, (record.from_snapshot, record.snapshot))
        differences = Differences(self._parts.releases)
        text, is_cut = await in_thread(
            lambda: differences.patch(before, after, lines_max=_PATCH_LINES_MAX)
        )
        return {"patch": text, "patch_is_cut": is_cut}

    async def snapshots(self) -> Answer:
        """Return all snapshots in short, the last good one first."""
        parts = self._parts
        rows = await in_thread(
            lambda: report_snapshots(
                parts.snapshots.list_(),
                parts.history.present(),
                served=parts.plane.last_good,
                releases=frozenset(each.hash for each in parts.releases.list_()),
            )
        )
        return {"snapshots": rows}

    async def snapshot(self, snapshot_id: str) -> Answer:
        """Return what a snapshot is made of; raises `UsageError` for an unknown id."""
        found = self._parts.snapshots.get(snapshot_id)
        return {"snapshot": found.id, "releases": found.releases, "settings": found.settings}

    async def command(self, change_id: str, kind: str, body: Answer) -> Answer:
        """Give the running change a command. Raises `UsageError` where it cannot take one."""
        if kind not in _COMMANDS:
            raise UsageError("command_unknown", f"There is no command {kind} for a change.")
        await self.change(change_id)
        running = self._parts.conductor.brief()
        if running is None or running["change"] != change_id:
            record = self._parts.history.present().find(change_id)
            if kind == "rollback" and record is not None and record.is_promoted:
                reason = str(body.get("reason") or "")
                restoring = self._proposals.restore(record, reason, self._parts.history.present())
                return await self.change(restoring)
            raise RefusedError(
                "change_settled",
                f"Change {change_id} has ended; it cannot take the command {kind}.",
                hint="Propose another change to go back to an earlier snapshot.",
            )
        reason = str(body.get("reason") or "")
        command = Command(kind, "owner", reason)  # type: ignore[arg-type] # checked above
        self._parts.conductor.command(command)
        return await self.change(change_id)

    def _report(self, record: history.ChangeRecord) -> Answer:
        conductor = self._parts.conductor
        state = conductor.state
        live = state if state is not None and state.change == record.id else None
        seconds = expected_seconds(
            self._parts.pacing, start_stage(record.request.get("from_stage"))
        )
        return report_change(record, live, conductor.windows, expected_seconds=seconds)

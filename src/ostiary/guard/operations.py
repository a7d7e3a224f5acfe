"""What operators can ask of the guard, and how the answers look."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ostiary.changes.checks import load_checked
from ostiary.changes.edge_change import require_changeable_edge
from ostiary.changes.events import Command
from ostiary.changes.model import Stage
from ostiary.changes.pacing import expected_seconds
from ostiary.changes.snapshot import Snapshot
from ostiary.guard import history
from ostiary.guard.change_report import report_change
from ostiary.guard.fleet import SERVICE
from ostiary.guard.load import CAPACITY_MEASURED, read_measurement
from ostiary.guard.service import Guard, GuardParts
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.ids import Random, new_id

Answer = dict[str, Any]
_START_STAGES = ("check", "rehearse", "canary", "bake")
_COMMANDS = ("rollback", "promote", "pause", "resume")


class GuardOperations:
    """Implements the guard's API on a running guard."""

    def __init__(self, guard: Guard, parts: GuardParts, rng: Random) -> None:
        self._guard = guard
        self._parts = parts
        self._rng = rng
        self._history = history.History()
        self._read_until = 0

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
        self._require_no_change()
        self._parts.journal.append(CAPACITY_MEASURED, snapshot, body)
        self._parts.load.learn(snapshot, rate)
        return {"snapshot": snapshot, "sign_ins_per_second": rate}

    async def propose(self, body: Answer) -> Answer:
        """Begin a change. Raises what is wrong with it before anything has happened."""
        parts = self._parts
        from_stage = _start_stage(body)
        reason = str(body.get("reason") or "").strip()
        if body.get("force") and not reason:
            raise UsageError("reason_missing", "A forced change needs a reason.")
        self._require_no_change()
        # Copying and compiling a release takes a while, in which another change may have begun.
        snapshot = await in_thread(lambda: self._snapshot(body))
        self._require_no_change()
        change = new_id("c", self._rng)
        data = {
            "snapshot": snapshot.id,
            "from_snapshot": parts.plane.last_good,
            "request": _without_paths_of_nothing(body),
        }
        parts.journal.append(history.CHANGE_PROPOSED, change, data)
        parts.conductor.start(change, snapshot, from_stage, reason if body.get("force") else None)
        return await self.change(change)

    async def changes(self) -> Answer:
        """Return all changes in short, the newest first."""
        found = self._present_history()
        return {"changes": [self._report(record) for record in reversed(found.changes)]}

    async def change(self, change_id: str) -> Answer:
        """Return one change. Raises `UsageError` for an unknown id."""
        found = self._present_history().find(change_id)
        if found is None:
            raise UsageError(
                "change_unknown",
                f"There is no change {change_id}.",
                hint="`ostiary change list` shows all changes.",
            )
        return self._report(found)

    async def command(self, change_id: str, kind: str, body: Answer) -> Answer:
        """Give the running change a command. Raises `UsageError` where it cannot take one."""
        if kind not in _COMMANDS:
            raise UsageError("command_unknown", f"There is no command {kind} for a change.")
        await self.change(change_id)
        running = self._parts.conductor.brief()
        if running is None or running["change"] != change_id:
            raise RefusedError(
                "change_settled",
                f"Change {change_id} has ended; it cannot take the command {kind}.",
                hint="Propose another change to go back to an earlier snapshot.",
            )
        reason = str(body.get("reason") or "")
        command = Command(kind, "owner", reason)  # type: ignore[arg-type] # checked above
        self._parts.conductor.command(command)
        return await self.change(change_id)

    def _require_no_change(self) -> None:
        running = self._parts.conductor.brief()
        if running is not None:
            raise RefusedError(
                "change_running",
                f"Change {running['change']} is under way, in stage {running['stage']}.",
                hint="Wait for its end, or end it with `ostiary change rollback`.",
            )

    def _present_history(self) -> history.History:
        """Return the history, reading only what was journalled since the last time."""
        for entry in self._parts.journal.entries(after=self._read_until):
            self._history = self._history.after(entry)
            self._read_until = entry.seq
        return self._history

    def _report(self, record: history.ChangeRecord) -> Answer:
        conductor = self._parts.conductor
        state = conductor.state
        live = state if state is not None and state.change == record.id else None
        seconds = expected_seconds(self._parts.pacing, _start_stage(record.request))
        return report_change(record, live, conductor.windows, expected_seconds=seconds)

    def _snapshot(self, body: Answer) -> Snapshot:
        """Return the proposed snapshot: last good with what was given put in its place."""
        parts = self._parts
        last_good = parts.snapshots.get(parts.plane.last_good)
        releases = dict(last_good.releases)
        for service, path in _releases(body).items():
            releases[service] = parts.releases.import_release(Path(path)).hash
        settings: Mapping[str, Any] = last_good.settings
        if body.get("config"):
            settings = load_checked(Path(str(body["config"]))).snapshot_settings.to_snapshot()
            require_changeable_edge(settings["edge"], last_good.settings["edge"])
        snapshot = parts.snapshots.add(releases, settings)
        if snapshot.id == last_good.id:
            raise RefusedError(
                "nothing_changes",
                f"The proposal is the same as the last good snapshot {last_good.id}.",
                hint="Name a release or settings that differ.",
            )
        return snapshot


def _releases(body: Answer) -> dict[str, str]:
    releases = {str(name): str(path) for name, path in dict(body.get("releases") or {}).items()}
    for service in releases:
        if service != SERVICE:
            raise UsageError(
                "service_unknown",
                f"There is no service {service}.",
                hint=f"Write --release {SERVICE}=PATH.",
            )
    return releases


def _start_stage(body: Mapping[str, Any]) -> Stage:
    word = str(body.get("from_stage") or "check")
    if word not in _START_STAGES:
        raise UsageError(
            "stage_unknown",
            f"No change can start at stage {word}.",
            hint=f"Write one of {', '.join(_START_STAGES[1:])}.",
        )
    return Stage(word)


def _without_paths_of_nothing(body: Answer) -> Answer:
    return {key: value for key, value in body.items() if value not in (None, False, {})}

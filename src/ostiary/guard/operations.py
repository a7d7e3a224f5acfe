"""What operators can ask of the guard, and how the answers look."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from ostiary.changes.checks import load_checked
from ostiary.changes.model import Stage
from ostiary.changes.pacing import expected_seconds
from ostiary.changes.snapshot import Snapshot
from ostiary.guard import history, orders
from ostiary.guard.change_report import report_change
from ostiary.guard.fleet import SERVICE
from ostiary.guard.load import CAPACITY_MEASURED, read_measurement
from ostiary.guard.operators.model import Operator
from ostiary.guard.service import Guard, GuardParts
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.ids import Random, new_id

Answer = dict[str, Any]
_START_STAGES = ("check", "rehearse", "canary", "bake")


class GuardOperations:
    """Implements the guard's API on a running guard."""

    def __init__(self, guard: Guard, parts: GuardParts, rng: Random) -> None:
        self._guard = guard
        self._parts = parts
        self._rng = rng
        self._history = history.History()
        self._read_until = 0
        self._is_shut_down = False

    async def status(self) -> Answer:
        """Return the state of the whole system."""
        required = self._parts.registry.approval.required
        return self._guard.status() | {"approval_required": required}

    async def shut_down(self, _body: Answer, caller: Operator) -> Answer:
        """Stop everything in an orderly way; the answer comes before it is done."""
        if not self._is_shut_down:
            # Whoever waits for the end asks again and again.
            self._parts.journal.append(history.SHUT_DOWN, None, {"operator": caller.name})
            self._is_shut_down = True
        self._guard.shut_down()
        return {"running": False}

    async def identity_request(
        self, method: str, path: str, body: Answer | None, caller: Operator
    ) -> Answer:
        """Pass a request for users or clients on to a last good replica, and journal changes."""
        answer = await self._parts.admin.request(method, quote(path, safe="/@+"), body)
        if method != "GET":
            subject = str(answer.get("email") or answer.get("client_id") or path)
            data = {"method": method, "path": path, "operator": caller.name}
            self._parts.journal.append(history.ACCOUNTS_CHANGED, subject, data)
        return answer

    async def audit(self, body: Answer, _caller: Operator) -> Answer:
        """Return entries of the audit log, chosen by the parameters of `GET /admin/audit`."""
        return await self._parts.admin.request("GET", f"/admin/audit?{urlencode(body)}", None)

    async def record_capacity(self, body: Answer, caller: Operator) -> Answer:
        """Journal a measured capacity; refused while a change runs, which it would weigh on."""
        snapshot, rate = read_measurement(body)
        self._require_no_change()
        self._parts.journal.append(CAPACITY_MEASURED, snapshot, body | {"operator": caller.name})
        self._parts.load.learn(snapshot, rate)
        return {"snapshot": snapshot, "sign_ins_per_second": rate}

    async def propose(self, body: Answer, caller: Operator) -> Answer:
        """Begin a change. Raises what is wrong with it before anything has happened."""
        parts = self._parts
        from_stage = _start_stage(body)
        force_reason = orders.force_reason(body, caller)
        self._require_no_change()
        # Copying and compiling a release takes a while, in which another change may have begun.
        snapshot = await in_thread(lambda: self._snapshot(body))
        self._require_no_change()
        change = new_id("c", self._rng)
        data = {
            "snapshot": snapshot.id,
            "from_snapshot": parts.plane.last_good,
            "request": _without_paths_of_nothing(body),
            "operator": caller.name,
        }
        parts.journal.append(history.CHANGE_PROPOSED, change, data)
        approval = replace(parts.registry.approval, proposer=caller.name)
        parts.conductor.start(change, snapshot, from_stage, force_reason, approval)
        return await self.change(change)

    async def changes(self) -> Answer:
        """Return all changes in short, the newest first."""
        found = self._present_history()
        return {"changes": [self._report(record) for record in reversed(found.changes)]}

    async def change(self, change_id: str) -> Answer:
        """Return one change. Raises `UsageError` for an unknown id."""
        return self._report(self._present_history().get(change_id))

    async def command(
        self, change_id: str, kind: orders.Kind, body: Answer, caller: Operator
    ) -> Answer:
        """Give the running change a command; raises as `change` and `orders.order` do."""
        self._present_history().get(change_id)
        orders.order(self._parts.conductor, change_id, kind, body, caller)
        return await self.change(change_id)

    async def comment(self, change_id: str, body: Answer, caller: Operator) -> Answer:
        """Put a comment on record; raises as `change` and `orders.comment` do."""
        orders.comment(self._parts.journal, self._present_history().get(change_id), body, caller)
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
        approvers = self._parts.registry.approvers(record.proposed_by)
        return report_change(
            record, live, conductor.windows, expected_seconds=seconds, approvers=approvers
        )

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
            _require_same_edge(settings, last_good.settings)
        snapshot = parts.snapshots.add(releases, settings)
        if snapshot.id == last_good.id:
            raise RefusedError(
                "nothing_changes",
                f"The proposal is the same as the last good snapshot {last_good.id}.",
                hint="Name a release or settings that differ.",
            )
        return snapshot


def _require_same_edge(proposed: Mapping[str, Any], current: Mapping[str, Any]) -> None:
    if proposed["edge"] != current["edge"]:
        raise RefusedError(
            "edge_change_unavailable",
            "The table [edge] cannot be changed on a running system yet.",
            hint="Leave [edge] as it is here; for [edge], run `ostiary down` and "
            "`ostiary up --config FILE`.",
        )


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

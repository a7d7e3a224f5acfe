"""What operators can ask of the guard, and how the answers look."""

import contextlib
from typing import Any
from urllib.parse import quote, urlencode

from ostiary.changes.course import with_points
from ostiary.changes.kinds import SERVICES_ALONE
from ostiary.changes.pacing import expected_seconds
from ostiary.changes.proposal import start_stage
from ostiary.guard import history, orders
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.change_report import report_change
from ostiary.guard.change_starts import ChangeStarts
from ostiary.guard.differences import Differences
from ostiary.guard.free_text import read_text
from ostiary.guard.load import CAPACITY_MEASURED
from ostiary.guard.load_readings import read_measurement
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.permissions import Operation, require
from ostiary.guard.parts import GuardParts
from ostiary.guard.proposals import Proposals
from ostiary.guard.restoring import restore
from ostiary.guard.service import Guard
from ostiary.guard.settings_check import check_settings
from ostiary.guard.snapshot_report import report_snapshots
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import Random
from ostiary.kernel.journal_errors import JournalError

Answer = dict[str, Any]
_PATCH_LINES_MAX = 4000


class GuardOperations:
    """Implements the guard's API on a running guard."""

    def __init__(self, guard: Guard, parts: GuardParts, rng: Random) -> None:
        self._guard = guard
        self._parts = parts
        self._starts = ChangeStarts(parts, rng)
        self._proposals = Proposals(parts, self._starts)
        self._is_shut_down = False

    async def status(self) -> Answer:
        """Return the state of the whole system."""
        required = self._parts.registry.approval.required
        return self._guard.status() | {"approval_required": required}

    async def shut_down(self, _body: Answer, caller: Operator) -> Answer:
        """Stop everything in an orderly way; the answer comes before it is done."""
        if not self._is_shut_down:
            # Whoever waits for the end asks again and again.
            self._is_shut_down = True
            # A system whose disk is full or read-only must still be possible to stop.
            with contextlib.suppress(JournalError):
                self._parts.journal.append(history.SHUT_DOWN, None, {"operator": caller.name})
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
        self._starts.require_none_under_way()
        self._parts.journal.append(CAPACITY_MEASURED, snapshot, body | {"operator": caller.name})
        self._parts.load.take(body)
        return {"snapshot": snapshot, "sign_ins_per_second": rate}

    async def check(self, body: Answer, _caller: Operator) -> Answer:
        """Check a settings file beside what is served, and begin nothing."""
        return await check_settings(body, self._parts)

    async def run_journeys(self, body: Answer, caller: Operator) -> Answer:
        """Run own journeys at what serves now; raises as `OwnRuns.run` does."""
        return await self._parts.own_runs.run(body, caller)

    async def propose(self, body: Answer, caller: Operator) -> Answer:
        """Begin a change. Raises what is wrong with it before anything has happened."""
        change = await self._proposals.begin(body, caller)
        return await self.change(change)

    async def changes(self) -> Answer:
        """Return all changes in short, the newest first."""
        found = self._parts.history.present()
        return {"changes": [self._report(record) for record in reversed(found.changes)]}

    async def change(self, change_id: str) -> Answer:
        """Return one change and its `evidence`. Raises `UsageError` for an unknown id."""
        record = self._parts.history.present().get(change_id)
        course = self._parts.conductor.course_of(change_id) or record.evidence
        return self._report(record) | {"evidence": course and with_points(course)}

    async def patch(self, change_id: str) -> Answer:
        """Return `{patch, patch_is_cut}`: the differing lines of a change's releases."""
        record = self._parts.history.present().get(change_id)
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

    async def revoke(self, snapshot_id: str, body: Answer, caller: Operator) -> Answer:
        """Take back all that a snapshot has minted, and return the record of it.

        Where it cannot be done now `done_at` is null: it is owed, and `problem` says why. Raises
        `UsageError` for an unknown snapshot or no reason, `RefusedError` for one that serves.
        """
        parts = self._parts
        reason = read_text(body.get("reason"), "reason")
        if not reason:
            raise UsageError(
                "reason_missing",
                "It signs people out: a reason is needed.",
                hint="Write --reason TEXT; it is recorded.",
            )
        snapshot = parts.snapshots.get(snapshot_id).id
        record = parts.revocations.order(snapshot, reason, caller.name)
        return parts.revocations.told(await parts.revocations.settle(record))

    async def command(
        self, change_id: str, kind: orders.Kind, body: Answer, caller: Operator
    ) -> Answer:
        """Give the running change a command, or take a good one back.

        Raises as `change`, `orders.order` and `restore` do, and `RefusedError` where `revoke` is
        asked for by somebody who may not.
        """
        parts = self._parts
        if orders.reads_revoke(body):
            require(caller, Operation.REVOKE)
        record = parts.history.present().get(change_id)
        if orders.reads_revoke(body) and record.kinds == SERVICES_ALONE:
            raise orders.nothing_to_revoke(change_id)
        if kind == "rollback" and record.is_promoted and not parts.conductor.is_running(change_id):
            return await self.change(restore(parts, self._starts, record, body, caller))
        orders.order(parts.conductor, change_id, kind, body, caller)
        return await self.change(change_id)

    async def comment(self, change_id: str, body: Answer, caller: Operator) -> Answer:
        """Put a comment on record; raises as `change` and `orders.comment` do."""
        record = self._parts.history.present().get(change_id)
        orders.comment(self._parts.journal, record, body, caller)
        return await self.change(change_id)

    def _report(self, record: ChangeRecord) -> Answer:
        conductor = self._parts.conductor
        state = conductor.state
        live = state if state is not None and state.change == record.id else None
        pacing = self._parts.pacing.at_pace_of(record.kinds)
        seconds = expected_seconds(pacing, start_stage(record.from_stage))
        approvers = self._parts.registry.approvers(record.proposed_by)
        revocation = self._parts.history.present().revocation_of(record)
        return report_change(
            record, live, conductor.windows, expected_seconds=seconds, approvers=approvers
        ) | {"revocation": None if revocation is None else self._parts.revocations.told(revocation)}

"""From a proposal to a change that has begun: snapshot, difference, rules, memory, journal."""

from dataclasses import asdict, replace
from typing import Any

from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import load_configuration
from ostiary.changes.difference import Difference
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing
from ostiary.changes.proposal import Proposal, read_proposal
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.terms import Terms
from ostiary.guard import history
from ostiary.guard.differences import Differences
from ostiary.guard.earlier_changes import require_not_refused_before, terms_of
from ostiary.guard.fleet import SERVICE
from ostiary.guard.free_text import read_text
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.permissions import Operation, require
from ostiary.guard.service import GuardParts
from ostiary.guard.surroundings_of import surroundings_of
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import Random, new_id
from ostiary.kernel.problems import Problem

SERVICES = frozenset({SERVICE})


class Proposals:
    """Begins changes, one at a time."""

    def __init__(self, parts: GuardParts, rng: Random) -> None:
        self._parts = parts
        self._rng = rng
        self._differences = Differences(parts.releases)

    async def begin(self, body: dict[str, Any], found: history.History, caller: Operator) -> str:
        """Begin the change that a request asks for; return its id.

        Raises what is wrong before anything has happened: `UsageError` for a request that makes
        no sense, `SettingsError` for a file that cannot be read as settings, `RefusedError` for a
        proposal that changes nothing or was refused before, for one that the caller may not make,
        and while another change runs.
        """
        reason = read_text(body.get("reason"), "reason")
        proposal = read_proposal(body | {"reason": reason}, SERVICES)
        if proposal.forced:
            require(caller, Operation.FORCE)
        terms = terms_of(proposal, found)
        self.require_no_change()
        surroundings = await surroundings_of(self._parts)
        # Copying and compiling a release takes a while, in which another change may have begun.
        snapshot, problems, differs = await in_thread(lambda: self._prepare(proposal, surroundings))
        self.require_no_change()
        require_not_refused_before(snapshot, proposal, found)
        return self._start(
            snapshot,
            {
                "request": _recorded(body),
                "difference": asdict(differs),
                "operator": caller.name,
            },
            from_stage=proposal.from_stage,
            force_reason=proposal.reason if proposal.forced else None,
            terms=terms,
            pacing=self._pacing(proposal),
            approval=replace(self._parts.registry.approval, proposer=caller.name),
            problems=problems,
        )

    def restore(
        self,
        undone: history.ChangeRecord,
        body: dict[str, Any],
        found: history.History,
        caller: Operator,
    ) -> str:
        """Take the good mark of a change's snapshot away, and bring back the one before it.

        Return the id of the change that does so; it needs no approval, since what it goes to was
        good. Raises `RefusedError` where there is no such snapshot.
        """
        reason = read_text(body.get("reason"), "reason")
        self.require_no_change()
        earlier = [mark for mark in found.marks if mark != undone.snapshot]
        if found.last_good != undone.snapshot or not earlier:
            raise RefusedError(
                "nothing_to_restore",
                f"The snapshot of change {undone.id} is not the last good one."
                if earlier
                else "There is no earlier snapshot with a good mark.",
                hint="`ostiary change list` shows which change made the last good snapshot.",
            )
        snapshot = self._parts.snapshots.get(earlier[-1])
        current = self._parts.snapshots.get(undone.snapshot)
        differs = self._differences.between(current, snapshot)
        because = f"rollback of {undone.id}" + (f": {reason}" if reason else "")
        # Taken first: whatever happens from here on, the next guard serves the earlier one.
        self._parts.journal.append(
            history.MARK_TAKEN,
            undone.snapshot,
            {"snapshot": undone.snapshot, "because": because, "operator": caller.name},
        )
        return self._start(
            snapshot,
            {
                "request": {"restores": undone.id, "reason": because},
                "difference": asdict(differs),
                "operator": caller.name,
            },
            from_stage=Stage.BAKE,
            force_reason=None,
            terms=Terms(restores=True),
            pacing=self._parts.pacing,
        )

    def require_no_change(self) -> None:
        """Raise `RefusedError` while a change is under way."""
        running = self._parts.conductor.brief()
        if running is not None:
            raise RefusedError(
                "change_running",
                f"Change {running['change']} is under way, in stage {running['stage']}.",
                hint="Wait for its end, or end it with `ostiary change rollback`.",
            )

    def _start(
        self,
        snapshot: Snapshot,
        data: dict[str, Any],
        *,
        from_stage: Stage,
        force_reason: str | None,
        terms: Terms,
        pacing: Pacing,
        approval: Approval = NO_APPROVAL,
        problems: tuple[Problem, ...] = (),
    ) -> str:
        parts = self._parts
        change = new_id("c", self._rng)
        from_snapshot = parts.plane.last_good
        data = {"snapshot": snapshot.id, "from_snapshot": from_snapshot, **data}
        parts.journal.append(history.CHANGE_PROPOSED, change, data)
        parts.check.expect(change, problems)
        parts.conductor.start(
            change,
            snapshot,
            from_stage,
            pacing,
            force_reason=force_reason,
            terms=terms,
            approval=approval,
        )
        return change

    def _pacing(self, proposal: Proposal) -> Pacing:
        """Return how fast the change may go: a security fix reaches everybody in one step."""
        pacing = self._parts.pacing
        return replace(pacing, steps=(1.0,)) if proposal.security else pacing

    def _prepare(
        self, proposal: Proposal, surroundings: Surroundings
    ) -> tuple[Snapshot, tuple[Problem, ...], Difference]:
        """Return the proposed snapshot, what the rules object to, and what differs.

        The snapshot is the last good one with what was given put in its place.
        """
        parts = self._parts
        last_good = parts.snapshots.get(parts.plane.last_good)
        releases = dict(last_good.releases)
        settings = last_good.settings
        problems: tuple[Problem, ...] = ()
        if proposal.config is not None:
            configuration = load_configuration(proposal.config)
            settings = configuration.snapshot_settings.to_snapshot()
            if proposal.is_checked:
                problems = check_configuration(configuration, surroundings)
            _require_same_edge(settings, last_good.settings)
        for service, path in proposal.releases.items():
            releases[service] = parts.releases.import_release(path).hash
        snapshot = parts.snapshots.add(releases, settings)
        if snapshot.id == last_good.id:
            raise RefusedError(
                "nothing_changes",
                f"The proposal is the same as the last good snapshot {last_good.id}.",
                hint="Name a release or settings that differ.",
            )
        return snapshot, problems, self._differences.between(last_good, snapshot)


def _require_same_edge(proposed: dict[str, Any], current: dict[str, Any]) -> None:
    if proposed["edge"] != current["edge"]:
        raise RefusedError(
            "edge_change_unavailable",
            "The table [edge] cannot be changed on a running system yet.",
            hint="Leave [edge] as it is here; for [edge], run `ostiary down` and "
            "`ostiary up --config FILE`.",
        )


def _recorded(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request without what was not asked for."""
    return {key: value for key, value in body.items() if value not in (None, False, {}, [], ())}

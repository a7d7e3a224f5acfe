"""From a proposal to a change that has begun: snapshot, difference, rules, memory."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import load_configuration
from ostiary.changes.difference import Difference
from ostiary.changes.edge_change import require_changeable_edge
from ostiary.changes.pacing import Pacing
from ostiary.changes.proposal import Proposal, read_proposal
from ostiary.changes.rules.surroundings import NOTHING_KNOWN, Surroundings
from ostiary.changes.service_change import require_changeable_services, services_of_change
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.change_starts import ChangeStarts, Plan
from ostiary.guard.differences import Differences
from ostiary.guard.earlier_changes import require_not_refused_before, terms_of
from ostiary.guard.free_text import read_text
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.permissions import Operation, require
from ostiary.guard.parts import GuardParts
from ostiary.guard.surroundings_of import surroundings_of
from ostiary.guard.threads import in_thread
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.problems import Problem
from ostiary.runtime.ports import IDENTITY


class Proposals:
    """Makes changes of proposals."""

    def __init__(self, parts: GuardParts, starts: ChangeStarts) -> None:
        self._parts = parts
        self._starts = starts
        self._differences = Differences(parts.releases)

    async def begin(self, body: dict[str, Any], caller: Operator) -> str:
        """Begin the change that a request asks for; return its id.

        Raises what is wrong before anything has happened: `UsageError` for a request that makes
        no sense, `SettingsError` for a file that cannot be read as settings, `RefusedError` for a
        proposal that changes nothing or was refused before, for one that the caller may not make,
        and while another change runs.
        """
        reason = read_text(body.get("reason"), "reason")
        last_good = self._parts.snapshots.get(self._parts.plane.last_good)
        proposal = read_proposal(body | {"reason": reason}, frozenset(last_good.releases))
        if proposal.forced:
            require(caller, Operation.FORCE)
        found = self._parts.history.present()
        terms = terms_of(proposal, found)
        self._starts.require_none_under_way()
        # Settings alone are held against them, and asking a replica for its keys may take a while.
        surroundings = await surroundings_of(self._parts) if proposal.config else NOTHING_KNOWN
        # Copying and compiling a release takes a while, in which another change may have begun.
        snapshot, problems, differs = await in_thread(lambda: self._prepare(proposal, surroundings))
        self._starts.require_none_under_way()
        require_not_refused_before(snapshot, proposal, found)
        _require_meant_for(proposal, last_good, snapshot)
        plan = Plan(
            pacing=self._pacing(proposal),
            from_stage=proposal.from_stage if body.get("from_stage") else None,
            force_reason=proposal.reason if proposal.forced else None,
            terms=terms,
            approval=replace(self._parts.registry.approval, proposer=caller.name),
            problems=problems,
        )
        return self._starts.start(snapshot, _recorded(body), differs, plan, operator=caller.name)

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
            if not problems:
                require_changeable_edge(settings["edge"], last_good.settings["edge"])
        for service, path in proposal.releases.items():
            releases[service] = self._imported(service, path)
        proposed = Snapshot.of(releases, settings)
        if not problems:
            require_changeable_services(proposed, last_good)
        snapshot = parts.snapshots.add(releases, settings)
        if snapshot.id == last_good.id:
            raise RefusedError(
                "nothing_changes",
                f"The proposal is the same as the last good snapshot {last_good.id}.",
                hint="Name a release or settings that differ.",
            )
        return snapshot, problems, self._differences.between(last_good, snapshot)

    def _imported(self, service: str, path: Path) -> str:
        """Copy a release; return its hash. Raises `UsageError` for what is none."""
        releases = self._parts.releases
        is_identitys = service == IDENTITY
        kept = releases.import_release(path) if is_identitys else releases.import_service(path)
        return kept.hash


def _require_meant_for(proposal: Proposal, before: Snapshot, after: Snapshot) -> None:
    """Raise `UsageError` for terms of a proposal that a change of services cannot have."""
    given = {
        "--security": proposal.security,
        "--tightens": proposal.tightens,
        "--fixes": proposal.fixes,
    }
    words = [word for word, value in given.items() if value]
    if words and services_of_change(after, before):
        raise UsageError(
            "not_for_services",
            f"{words[0]} speaks of what the login service answers; this change touches other "
            "services only.",
            hint=f"Leave {words[0]} out.",
        )


def _recorded(body: dict[str, Any]) -> dict[str, Any]:
    """Return the request without what was not asked for."""
    return {key: value for key, value in body.items() if value not in (None, False, {}, [], ())}

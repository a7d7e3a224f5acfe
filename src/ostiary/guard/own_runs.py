"""Running own journeys at what serves now, so that a team can write them: `journeys run`.

They go through the edge as a user would, with the guard's variables, files and probe accounts.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import load_configuration
from ostiary.guard import history
from ostiary.guard.operators.model import Operator
from ostiary.guard.own_trials import OwnTrials
from ostiary.guard.plane import DataPlane
from ostiary.guard.threads import in_thread
from ostiary.guard.trial_place import TrialPlace, url_of
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import Random
from ostiary.kernel.journal import Journal
from ostiary.kernel.settings import SettingsError
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.own_journeys.settings import JourneySettings
from ostiary.watch.own_journeys.trying import run_own_journey
from ostiary.watch.own_journeys.walk import Place, StepResult

Journeys = Mapping[str, JourneySettings]


class OwnRuns:
    """Runs journeys one after the other, beside whatever the guard does."""

    def __init__(
        self, own: OwnTrials, plane: DataPlane, place: TrialPlace, journal: Journal, rng: Random
    ) -> None:
        self._own = own
        self._plane = plane
        self._place = place
        self._journal = journal
        self._rng = rng

    async def run(self, body: Mapping[str, Any], caller: Operator) -> dict[str, Any]:
        """Return how each step went.

        `config` names a settings file, else the guard's own journeys count; `names` chooses among
        them. Raises `UsageError` for an unknown name or where there are none, `SettingsError` for a
        file with wrong journeys, `AdminApiError` where no probe account can be made.
        """
        config = body.get("config")
        known = self._own.journeys if config is None else await in_thread(lambda: _read(config))
        chosen = _chosen(known, [str(name) for name in body.get("names") or ()])
        said = {"operator": caller.name, "journeys": sorted(chosen), "config": config}
        self._journal.append(history.OWN_JOURNEYS_RUN, None, said)
        rows = []
        async with self._place.edge_transport() as transport:
            place = Place(self._place.edge, transport)
            last_good = self._place.replica(self._plane.stable[0], "last good")
            tools = self._own.tools(self._admin, last_good)
            for name, journey in chosen.items():
                results = await run_own_journey(name, journey, place, tools)
                rows.append(_told(name, journey, results))
        return {"passed": all(row["passed"] for row in rows), "journeys": rows}

    def _admin(self) -> ProbeAdmin:
        replica = self._plane.stable[0]
        return ProbeAdmin(url_of(replica), self._place.admin_token, rng=self._rng)


def _read(config: object) -> Journeys:
    """Return the journeys of a settings file in which nothing is wrong with them."""
    configuration = load_configuration(Path(str(config)))
    problems = [
        problem
        for problem in check_configuration(configuration)
        if (problem.key or "").startswith("guard.journeys")
    ]
    if problems:
        raise SettingsError(problems)
    return configuration.guard.journeys


def _chosen(known: Journeys, names: Sequence[str]) -> Journeys:
    if not known:
        raise UsageError(
            "journeys_none",
            "There are no journeys of your own.",
            hint="Write them as [guard.journeys.NAME] into the settings file, and name it with "
            "--config.",
        )
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, list(known), 1)
            raise UsageError(
                "journey_unknown",
                f"There is no journey {name!a}." + (f" Did you mean {near[0]}?" if near else ""),
                hint=f"There are: {', '.join(known)}.",
            )
    return {name: known[name] for name in names} if names else known


def _told(name: str, journey: JourneySettings, results: Sequence[StepResult]) -> dict[str, Any]:
    """Return a journey's results; steps that a failure kept from being taken have no `passed`."""
    rows: list[dict[str, Any]] = [
        {
            "step": result.step,
            "passed": result.failure is None,
            "came": result.came,
            "expected": None if result.failure is None else result.failure.expected,
            "request_id": None if result.failure is None else result.failure.request_id or None,
            "seconds": round(result.seconds, 3),
        }
        for result in results
    ]
    nothing = dict.fromkeys(("passed", "came", "expected", "request_id", "seconds"))
    rows += [{"step": step.name, **nothing} for step in journey.steps[len(results) :]]
    return {"journey": name, "passed": all(row["passed"] for row in rows), "steps": rows}

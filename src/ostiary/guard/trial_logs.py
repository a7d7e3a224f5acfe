"""What replicas logged about the requests at which journeys failed, beside the reasons."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from ostiary.changes.events import JourneysRun, ProofRun, Rehearsed
from ostiary.changes.model import Reason
from ostiary.guard.background_work import background_report
from ostiary.guard.plane import DataPlane
from ostiary.guard.threads import in_thread
from ostiary.runtime.ports import Replica, Runtime
from ostiary.watch.journeys.report import JourneyReport

_LINES_MAX = 5
_REASONS_MAX = 10

Found = TypeVar("Found", Rehearsed, JourneysRun, ProofRun)


class TrialLogs:
    """Finds the lines about a request; the edge may have asked any replica, and one after another.

    A replica that logs nothing of the kind, such as one of another service, has no lines.
    """

    def __init__(self, plane: DataPlane, runtime: Runtime) -> None:
        self._plane = plane
        self._runtime = runtime

    async def background(self) -> JourneyReport:
        """Return whether what candidates do beside requests goes well."""
        plane = self._plane
        return await in_thread(lambda: background_report(self._runtime, plane.canary, plane.stable))

    async def added_to(self, found: Found) -> Found:
        """Return what was found, with the lines about the request of each reason as its `log`."""
        if not found.failures:
            return found
        replicas = [*self._plane.canary, *self._plane.stable]
        failures = await in_thread(lambda: self._logged(found.failures, replicas))
        return replace(found, failures=failures)

    def _logged(self, reasons: Sequence[Reason], replicas: Sequence[Replica]) -> tuple[Reason, ...]:
        told = (self._with_log(reason, replicas) for reason in reasons[:_REASONS_MAX])
        return (*told, *reasons[_REASONS_MAX:])

    def _with_log(self, reason: Reason, replicas: Sequence[Replica]) -> Reason:
        request_id = str(reason.numbers.get("request_id") or "")
        if not request_id:
            return reason
        parts = (self._runtime.log_tail(each, _LINES_MAX, about=request_id) for each in replicas)
        lines = [line for part in parts for line in part][-_LINES_MAX:]
        if not lines:
            return reason
        return replace(reason, numbers={**reason.numbers, "log": "\n".join(lines)})

"""The journeys of one service as they are walked, and told with the names that it has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import httpx

from ostiary.changes.service_change import service_settings
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.route_classes import service_class
from ostiary.edge.service_model import is_below
from ostiary.watch.journeys.report import JourneyFailure
from ostiary.watch.own_journeys.settings import JourneySettings, StepSettings
from ostiary.watch.own_journeys.to_service import ToService
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import settings_name

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing (RFC 9110, section 9.2.1): the edge asks them again."""


@dataclass(frozen=True, slots=True)
class ServiceJourneys:
    """What a snapshot says that a service must do. `walked` are its journeys by name."""

    service: str
    walked: Mapping[str, JourneySettings]
    routes: tuple[str, ...]
    strip_prefix: bool

    @classmethod
    def of(cls, snapshot: Snapshot, service: str) -> "ServiceJourneys":
        """Return the journeys of a service in a snapshot."""
        settings = service_settings(snapshot, service)
        return cls(service, settings.journeys, settings.routes, settings.strip_prefix)

    def in_canary(self) -> "ServiceJourneys":
        """Return those that go on while users meet the change."""
        chosen = {name: each for name, each in self.walked.items() if each.in_canary}
        return replace(self, walked=chosen)

    def way(self, transport: httpx.AsyncBaseTransport, *, strips: bool = False) -> ToService:
        """Return the way to the service over a transport, see `ToService`."""
        return ToService(transport, self.routes, strips=strips)

    def told(self, found: OwnReport) -> OwnReport:
        """Return what was found with this service's own names: its table, its classes of routes."""
        failures = tuple(map(self._named, found.report.failures))
        failed = frozenset(each.stratum for each in failures)
        passed = frozenset().union(*map(self._strata, found.report.strata_passed))
        report = replace(
            found.report,
            failures=failures,
            strata_passed=passed - failed,
            strata_failed=failed,
        )
        return OwnReport(report, tuple(map(self._named, found.broken)))

    def step_of(self, failure: JourneyFailure) -> StepSettings | None:
        """Return the step that a failure tells of, None where it is another service's."""
        for name, journey in self.walked.items():
            if failure.journey == self._name(settings_name(name)):
                return next((step for step in journey.steps if step.name == failure.step), None)
        return None

    def _named(self, failure: JourneyFailure) -> JourneyFailure:
        named = replace(failure, journey=self._name(failure.journey))
        step = self.step_of(named)
        return replace(named, stratum=self._stratum("" if step is None else step.path))

    def _name(self, journey: str) -> str:
        return f"services.{self.service}.{journey}"

    def _strata(self, route: str) -> frozenset[str]:
        """Return the strata of a route that a journey vouches for."""
        return frozenset({self._stratum(route)}) if route in self.routes else frozenset()

    def _stratum(self, path: str) -> str:
        """Return the class of the route that a path is below, by default the first one."""
        path = path.partition("?")[0]
        below = (n for n, route in enumerate(self.routes, start=1) if is_below(path, route))
        return service_class(self.service, next(below, 1))


def strata_of_services(snapshot: Snapshot, services: Sequence[str]) -> tuple[str, ...]:
    """Return what is compared in a change of these services: each of their routes."""
    return tuple(
        service_class(service, number)
        for service in services
        for number, _ in enumerate(service_settings(snapshot, service).routes, start=1)
    )


def is_hideable(failure: JourneyFailure, services: Iterable[ServiceJourneys]) -> bool:
    """Return whether the edge hides such a failure from users: it asks safe requests again."""
    steps: Sequence[StepSettings] = [
        step for each in services if (step := each.step_of(failure)) is not None
    ]
    return failure.is_hideable and all(step.method in SAFE_METHODS for step in steps)

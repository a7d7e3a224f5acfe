"""The journeys of one service as they are walked, and told with the names that it has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import httpx

from ostiary.changes.service_change import service_settings
from ostiary.changes.snapshot import Snapshot
from ostiary.edge.route_classes import service_class, service_strata
from ostiary.edge.service_model import is_below
from ostiary.guard.oidc_trials import OidcJourneys
from ostiary.watch.journeys.report import JourneyFailure
from ostiary.watch.own_journeys.settings import JourneySettings, StepSettings
from ostiary.watch.own_journeys.to_service import ToService
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import settings_name
from ostiary.watch.relying_party.routes import SAFE_METHODS, ServiceRoutes


@dataclass(frozen=True, slots=True)
class ServiceJourneys:
    """What a snapshot says that a service must do. `walked` are its journeys by name.

    `asked_again` are the paths below which the edge asks every request again, because the settings
    of both versions say that it may. `provider` is what an OpenID provider must do besides.
    """

    service: str
    walked: Mapping[str, JourneySettings]
    routes: tuple[str, ...]
    strip_prefix: bool
    asked_again: tuple[str, ...] = ()
    provider: OidcJourneys | None = None

    @classmethod
    def of(cls, snapshot: Snapshot, service: str, last_good: Snapshot) -> "ServiceJourneys":
        """Return the journeys of a service in a snapshot that goes after last good."""
        own, beside = (service_settings(each, service) for each in (snapshot, last_good))
        asked_again = tuple(
            path
            for paths, others in (
                (own.ask_again, beside.ask_again),
                (beside.ask_again, own.ask_again),
            )
            for path in paths
            if any(is_below(path, other) for other in others)
        )
        routes = ServiceRoutes(service, own.routes, asked_again)
        provider = None if own.oidc is None else OidcJourneys(own.oidc, routes)
        return cls(service, own.journeys, own.routes, own.strip_prefix, asked_again, provider)

    def in_canary(self) -> "ServiceJourneys":
        """Return those that go on while users meet the change."""
        chosen = {name: each for name, each in self.walked.items() if each.in_canary}
        return replace(self, walked=chosen)

    @property
    def vouching(self) -> dict[str, JourneySettings]:
        """Return the journeys, each that vouches for a route doing so under its own name.

        Two may vouch for one route and try other methods there, of which one alone has passed.
        """
        return {
            name: journey.model_copy(update={"vouches_for": name})
            if journey.vouches_for is not None
            else journey
            for name, journey in self.walked.items()
        }

    def way(self, transport: httpx.AsyncBaseTransport, *, strips: bool = False) -> ToService:
        """Return the way to the service over a transport, see `ToService`."""
        return ToService(transport, self.routes, strips=strips)

    def told(self, found: OwnReport) -> OwnReport:
        """Return what was found of `vouching` with this service's names of tables and classes."""
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
        return replace(named, stratum=self._stratum(step))

    def _name(self, journey: str) -> str:
        return f"services.{self.service}.{journey}"

    def _strata(self, name: str) -> frozenset[str]:
        """Return what a journey vouches for: of its route, the classes that its steps went to."""
        journey = self.walked[name]
        steps = [step for step in journey.steps if is_below(_path(step), journey.vouches_for or "")]
        return frozenset(map(self._stratum, steps))

    def _stratum(self, step: StepSettings | None) -> str:
        """Return the class of requests that a step's is of, by default the first one."""
        path = "" if step is None else _path(step)
        below = (n for n, route in enumerate(self.routes, start=1) if is_below(path, route))
        safe = step is None or self._is_safe(step)
        return service_class(self.service, next(below, 1), safe=safe)

    def _is_safe(self, step: StepSettings) -> bool:
        if step.method in SAFE_METHODS:
            return True
        return any(is_below(_path(step), each) for each in self.asked_again)

    def hides(self, failure: JourneyFailure) -> bool:
        """Return whether the edge hides such a failure from users: it asks safe requests again."""
        numbers = range(1, len(self.routes) + 1)
        unsafe = {service_class(self.service, number, safe=False) for number in numbers}
        return failure.is_hideable and failure.stratum not in unsafe


def strata_of_services(snapshot: Snapshot, services: Sequence[str]) -> tuple[str, ...]:
    """Return what is compared in a change of these services: the classes of all their routes."""
    return tuple(
        stratum
        for service in services
        for stratum in service_strata(service, len(service_settings(snapshot, service).routes))
    )


def _path(step: StepSettings) -> str:
    return step.path.partition("?")[0]

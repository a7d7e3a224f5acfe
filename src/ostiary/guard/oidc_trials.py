"""Going through a guarded service that is an OpenID provider, with the names that it has."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from ostiary.edge.route_classes import service_class
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.journeys.report import JourneyFailure, combine
from ostiary.watch.oidc_journeys.application import Application
from ostiary.watch.oidc_journeys.party import OidcTools
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.oidc_journeys.trying import must_succeed, try_group, try_walks
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.as_edge import AsProxy
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.routes import ServiceRoutes
from ostiary.watch.secret_files import SecretFileError

NOTHING_TRIED = OwnReport(combine(()))


@dataclass(frozen=True, slots=True)
class OidcJourneys:
    """What a snapshot says of a provider: client and account of the journeys, and its routes."""

    settings: OidcSettings
    routes: ServiceRoutes

    async def rehearsed(
        self, candidates: Sequence[Place], last_good: Sequence[Place], clock: Clock, rng: Random
    ) -> OwnReport:
        """Go through candidates at their own ports, alone, together, and beside last good."""
        try:
            tools = OidcTools(Application.read(self.settings), clock, rng)
        except SecretFileError as error:
            return self._without_secrets(error)
        here = [self._directly(each, rng) for each in candidates]
        beside = [self._directly(each, rng) for each in last_good]
        return self._named(await try_group(here, last_good=beside, tools=tools))

    async def through(
        self, edge: Place, control: Place | None, clock: Clock, rng: Random
    ) -> OwnReport:
        """Go through the edge on the paths that must succeed; last good is asked directly."""
        try:
            application = Application.read(self.settings)
        except SecretFileError as error:
            return self._without_secrets(error)
        tools = OidcTools(application, clock, rng)
        place = self._at_issuer(edge)
        beside = None if control is None else self._directly(control, rng)
        walks = must_succeed(application)
        return self._named(await try_walks(walks, [place], control=beside, tools=tools))

    def _at_issuer(self, place: Place) -> Place:
        """Return a place under the issuer's own address instead of the login service's."""
        public = urlsplit(place.target.issuer)
        path = self.settings.issuer_path or self.routes.routes[0]
        issuer = f"{public.scheme}://{public.netloc}{path}"
        return replace(place, target=replace(place.target, issuer=issuer, routes=self.routes))

    def _directly(self, place: Place, rng: Random) -> Place:
        """Return the place of a member, which is told the public address as by a proxy."""
        named = self._at_issuer(place)
        return replace(named, target=replace(named.target, as_edge=AsProxy(rng)))

    def _named(self, found: OwnReport) -> OwnReport:
        failures = tuple(map(self._with_table, found.report.failures))
        broken = tuple(map(self._with_table, found.broken))
        return OwnReport(replace(found.report, failures=failures), broken)

    def _with_table(self, failure: JourneyFailure) -> JourneyFailure:
        return replace(failure, journey=f"services.{self.routes.service}.{failure.journey}")

    def _without_secrets(self, error: SecretFileError) -> OwnReport:
        """Return that nothing could be tried, which is no fault of a group."""
        failure = JourneyFailure(
            journey=f"services.{self.routes.service}.oidc",
            step="secrets",
            expected="files with the secrets of the journeys",
            got=str(error),
            request_id="",
            target="this machine",
            stratum=service_class(self.routes.service, 1, safe=True),
            kind=FailureKind.WRONG_CONTENT,
        )
        return OwnReport(NOTHING_TRIED.report, (failure,))

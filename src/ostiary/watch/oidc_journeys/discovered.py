"""What a provider says about itself, as far as these journeys use it."""

from collections.abc import Mapping
from dataclasses import dataclass

from ostiary.watch.discovery_pair import Published, discovery_stratum, published_at
from ostiary.watch.oidc_journeys.key_set import KeySet
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.keys import KeyRing
from ostiary.watch.relying_party.provider import Provider


@dataclass(frozen=True, slots=True)
class Discovered:
    """The endpoints and keys of one version. An endpoint that it has not got is an empty text."""

    published: Published
    endpoints: Provider
    keys: KeySet

    @property
    def names_issuer(self) -> bool:
        """Return whether it promises `iss` in its authorization responses (RFC 9207)."""
        name = "authorization_response_iss_parameter_supported"
        return self.published.document.get(name) is True

    @property
    def knows_s256(self) -> bool:
        """Return whether it says that it checks code verifiers (RFC 8414, section 2)."""
        methods = self.published.document.get("code_challenge_methods_supported")
        return isinstance(methods, list) and "S256" in methods


async def discover(place: Place, settings: OidcSettings, seen: set[str]) -> Discovered:
    """Return what the provider at a place publishes; raises `StepFailedError`.

    `seen` collects the strata that answered.
    """
    published = await published_at(place, seen=seen)
    document = published.document

    def endpoint(name: str, *, needed: bool) -> str:
        return _endpoint(place, document, name, needed=needed)

    endpoints = Provider(
        issuer=place.target.issuer,
        authorization=endpoint("authorization_endpoint", needed=settings.signs_in),
        token=endpoint("token_endpoint", needed=True),
        userinfo=endpoint("userinfo_endpoint", needed=False),
        introspection=endpoint("introspection_endpoint", needed=settings.introspection),
        end_session="",
        jwks=endpoint("jwks_uri", needed=True),
        algorithms=frozenset(),
        keys=KeyRing({}),
    )
    return Discovered(published, endpoints, KeySet(published.keys))


def _endpoint(place: Place, document: Mapping[str, object], name: str, *, needed: bool) -> str:
    """Return an endpoint below the issuer's own origin, where requests can be sent to this place.

    One elsewhere cannot be tried at one version alone; if it is not needed, it is left out.
    """
    value = document.get(name)
    if isinstance(value, str) and place.target.owns(value):
        return value
    if needed:
        raise StepFailedError(
            step="discovery",
            kind=FailureKind.WRONG_CONTENT,
            expected=f"{name} at the issuer's own origin",
            got="none, or elsewhere",
            stratum=discovery_stratum(place),
            target=place.target.name,
        )
    return ""

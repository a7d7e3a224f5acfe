"""An application at groups of small providers, and a way to rehearse one beside the other."""

import asyncio
from collections.abc import Sequence

import pytest

from ostiary.watch.oidc_journeys.application import Application
from ostiary.watch.oidc_journeys.party import OidcTools
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.oidc_journeys.trying import try_group
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.store import Client, User

ISSUER = "http://login.example.test"
SECRET = "client-secret-of-the-probe"
PASSWORD = "correct horse"
REDIRECT_URI = "https://app.example.test/back"
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]

USUAL = {
    "client_id": "probe",
    "redirect_uri": REDIRECT_URI,
    "scope": "openid offline_access",
    "username": "probe@example.test",
    "username_field": "email",
    "refresh": True,
    "client_credentials": True,
    "introspection": True,
}


def settings_with(**changed) -> OidcSettings:
    return OidcSettings.model_validate(USUAL | changed)


@pytest.fixture
def registered(store):
    """The store of all providers of a test, with the account and client of the journeys."""
    store.users["other@example.test"] = User("u0", "other@example.test", "x", [], probe=False)
    store.users["probe@example.test"] = User("u1", "probe@example.test", PASSWORD, [], probe=False)
    client = Client("probe", SECRET, [REDIRECT_URI], "urn:all", 300, probe=False, grants=GRANTS)
    store.clients["probe"] = client
    return store


@pytest.fixture
def rehearse(registered, clock, rng):
    """Rehearse providers beside those that serve."""

    def run(candidates: Sequence, last_good: Sequence, **changed) -> OwnReport:
        application = Application(settings_with(**changed), SECRET, PASSWORD)

        async def go() -> OwnReport:
            transport = KeptConnections()

            def places(name, providers):
                return [
                    Place(Target(f"{name}-{number}", each.url, ISSUER), transport)
                    for number, each in enumerate(providers)
                ]

            try:
                return await try_group(
                    places("candidate", candidates),
                    last_good=places("last_good", last_good),
                    tools=OidcTools(application, clock, rng),
                )
            finally:
                await transport.aclose()

        return asyncio.run(go())

    return run


@pytest.fixture
def provider(start, registered):
    """Start a replica that answers for the issuer of these tests."""

    def start_one(snapshot="s-good", *faults, **options):
        return start(issuer=ISSUER, snapshot=snapshot, faults=faults, **options)

    return start_one

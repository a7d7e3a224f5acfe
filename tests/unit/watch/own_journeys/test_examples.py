"""The examples of the documentation find what they are there for."""

import asyncio
import re

import pytest

from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.own_journeys.values import Values
from ostiary.watch.own_journeys.walk import Place, walk
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target
from tests.tidy.repository import read
from tests.unit.watch.own_journeys.conftest import journeys_in
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN

ISSUER = "http://login.example.test"
_, SIGN_IN = re.findall(r"```toml\n(.*?)```", read("docs/own-journeys.md"), re.DOTALL)


@pytest.fixture
def sign_in(start, clock, rng):
    """Walk the example through a provider with faults; return what went wrong, and where."""

    def run(*faults):
        provider = start(issuer=ISSUER, snapshot="s-1", faults=faults)

        async def go():
            transport = KeptConnections()
            admin = ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng)
            async with admin, admin.accounts(1) as (account,):
                values = Values(rng=rng, environment={}, account=account)
                place = Place(Target("candidate", provider.url, ISSUER), transport)
                journey = journeys_in(SIGN_IN)["sign_in"]
                results = await walk("sign_in", journey, place, values, clock)
            await transport.aclose()
            return results

        return asyncio.run(go())

    return run


def test_a_person_signs_in_as_the_documentation_shows(sign_in):
    results = sign_in()
    assert [str(each.failure) for each in results if each.failure] == []
    assert [each.step for each in results] == ["the form", "sign in", "token", "who it is"]
    assert not any("eyJ" in each.came for each in results)


@pytest.mark.parametrize(
    ("fault", "step"),
    [
        ("refuses_everybody", "sign in"),
        ("crash", "sign in"),
        ("session_cookie_lost", "sign in"),
        ("drops_state", "sign in"),
    ],
)
def test_it_fails_where_the_provider_is_wrong(sign_in, fault, step):
    last = sign_in(fault)[-1]
    assert last.failure is not None
    assert last.failure.step == step

"""The journeys by discovery, through a certified provider: groups of it, healthy and broken."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.oidc_journeys.application import Application
from ostiary.watch.oidc_journeys.party import OidcTools
from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.oidc_journeys.trying import try_group
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.as_edge import AsProxy
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.routes import ServiceRoutes
from ostiary.watch.relying_party.target import Target
from tests.node.cluster import (
    CLIENT_ID,
    CLIENT_SECRET,
    PASSWORD,
    REDIRECT_URI,
    USERNAME,
    Cluster,
    Member,
)

pytestmark = [pytest.mark.node, pytest.mark.redis]

Tried = Callable[..., OwnReport]


@pytest.fixture(scope="module")
def blue(cluster: Cluster) -> list[Member]:
    """The group that serves: it signs by the first key and publishes the second ahead."""
    return cluster.group("blue")


@pytest.fixture
def tried(cluster: Cluster, blue: list[Member], tmp_path: Path) -> Tried:
    """Rehearse a group beside the one that serves."""
    secret, password = tmp_path / "secret", tmp_path / "password"
    secret.write_text(f"{CLIENT_SECRET}\n")
    password.write_text(f"{PASSWORD}\n")
    usual = {
        "client_id": CLIENT_ID,
        "client_secret_file": str(secret),
        "redirect_uri": REDIRECT_URI,
        "scope": "openid email offline_access",
        "username": USERNAME,
        "password_file": str(password),
        "username_field": "login",
        "refresh": True,
        "client_credentials": True,
        "introspection": True,
    }

    def rehearse(group: Sequence[Member], **changed: Any) -> OwnReport:
        settings = OidcSettings.model_validate(usual | changed)
        rng = SeededRandom(11)
        tools = OidcTools(Application.read(settings), SystemClock(), rng)

        async def run() -> OwnReport:
            transport = KeptConnections()

            def places(members: Sequence[Member]) -> list[Place]:
                routes = ServiceRoutes("login", ("/op",))
                return [
                    Place(
                        Target(m.name, m.url, cluster.issuer, as_edge=AsProxy(rng), routes=routes),
                        transport,
                    )
                    for m in members
                ]

            try:
                return await try_group(places(group), last_good=places(blue), tools=tools)
            finally:
                await transport.aclose()

        return asyncio.run(run())

    return rehearse


def test_a_healthy_group_passes_and_vouches_for_the_route(cluster: Cluster, tried: Tried) -> None:
    tried_group = tried(cluster.group("green", signs="second"))

    assert tried_group.broken == ()
    assert tried_group.report.failures == ()
    assert tried_group.report.strata_passed == {"service_login_1_safe", "service_login_1_unsafe"}
    # Three that succeed, six refusals, the group by itself and beside last good, four ways across.
    assert tried_group.report.journeys == 15


@pytest.mark.parametrize(
    ("faults", "step", "got"),
    [
        ("errors", "authorize", "HTTP 500"),
        ("wrong_issuer", "discovery", "the issuer 'https://login.example.test/op/elsewhere'"),
        ("unpublished_key", "token", "one that is not: its key is not among the published ones"),
    ],
)
def test_a_broken_group_is_told_by_its_step(
    cluster: Cluster, tried: Tried, faults: str, step: str, got: str
) -> None:
    report = tried(cluster.group(faults, members=1, faults=[faults])).report

    assert not report.passed
    assert {each.rpartition("_")[0] for each in report.strata_failed} == {"service_login_1"}
    assert (step, got) in {(each.step, each.got[: len(got)]) for each in report.failures}
    told = " ".join(map(str, report.failures))
    assert PASSWORD not in told
    assert CLIENT_SECRET not in told


def test_keys_of_last_good_that_are_gone_are_told(cluster: Cluster, tried: Tried) -> None:
    """Every member is right by itself; what others have minted and keep is what they break."""
    report = tried(
        cluster.group("forgetful", members=1, signs="second", publishes=["second"])
    ).report

    first = report.failures[0]
    assert (first.journey, first.step) == ("oidc.published", "keys")
    assert "'first'" in first.got


def test_a_key_that_nobody_was_told_ahead_is_told(cluster: Cluster, tried: Tried) -> None:
    report = tried(cluster.group("hasty", members=1, signs="third")).report

    assert {each.journey for each in report.failures} == {"oidc.minted_by_candidate"}
    assert report.failures[0].step == "verify_elsewhere"


def test_members_that_publish_different_keys_are_told(cluster: Cluster, tried: Tried) -> None:
    one = cluster.group("one", members=1)
    other = cluster.group("other", members=1, publishes=["first", "second", "third"])
    report = tried([*one, *other]).report

    assert [each.journey for each in report.failures] == ["oidc.same_in_group"]
    assert report.failures[0].target == "other-0"


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"username": "nobody@example.org"}, "oidc.sign_in"),
        ({"password_field": "secret"}, "oidc.sign_in"),
        ({"client_id": "nobody"}, "oidc.client_credentials"),
    ],
)
def test_what_is_wrong_in_the_settings_is_no_fault_of_the_group(
    blue: list[Member], tried: Tried, changed: dict[str, str], name: str
) -> None:
    tried_group = tried(blue, **changed)

    assert tried_group.report.failures == ()
    assert name in {each.journey for each in tried_group.broken}

"""Whom tokens are for while applications move from one audience to another."""

from pathlib import Path
from typing import Any

import pytest

from tests.identity_app import IdentityService, build_identity
from tests.unit.identity.oauth.flow import basic, decoded

OLD, NEW = "urn:old", "urn:new"
STAGED = (OLD, NEW, "urn:other")
STAGES: dict[str, dict[str, Any]] = {
    "before": {"audience": OLD},
    "migrating": {"audience": NEW, "previous_audiences": [OLD]},
    "after": {"audience": NEW},
}


@pytest.fixture
def replicas(tmp_path: Path):
    """A replica of each snapshot of a migration, on one store."""
    first = build_identity(tmp_path, **STAGES["before"])
    made = {"before": first}
    for stage in ("migrating", "after"):
        made[stage] = first.replica(name=stage, snapshot=f"s-{stage}", **STAGES[stage])
    yield made
    first.close()


def client(service: IdentityService, name: str, audience: str | None = None) -> dict[str, str]:
    """Register a machine and return its proof."""
    options = {} if audience is None else {"audience": audience}
    created = service.add_client(
        name, redirect_uris=[], public=False, grants=["client_credentials"], **options
    )
    return basic(name, created["client_secret"])


def mint(service: IdentityService, proof: dict[str, str]) -> str:
    form = {"grant_type": "client_credentials"}
    return str(service.edge().post("/oauth2/token", form, headers=proof).json["access_token"])


def is_active(service: IdentityService, token: str, proof: dict[str, str]) -> bool:
    answer = service.edge().post("/oauth2/introspect", {"token": token}, headers=proof)
    return bool(answer.json["active"])


@pytest.mark.parametrize(
    ("stage", "audience"), [("before", OLD), ("migrating", [NEW, OLD]), ("after", NEW)]
)
def test_tokens_carry_the_present_audience_first(replicas, stage, audience) -> None:
    machine = client(replicas["before"], "machine")
    assert decoded(mint(replicas[stage], machine))["aud"] == audience


def test_a_client_with_an_audience_of_its_own_is_not_migrated(replicas) -> None:
    own = client(replicas["before"], "own", "urn:own")
    assert decoded(mint(replicas["migrating"], own))["aud"] == "urn:own"


@pytest.mark.parametrize(
    ("minter", "asked", "expected"),
    [
        ("before", "before", {OLD}),
        ("before", "migrating", {OLD, NEW}),
        ("migrating", "migrating", {OLD, NEW}),
        ("migrating", "before", {OLD, NEW}),
        ("migrating", "after", {OLD, NEW}),
        ("after", "migrating", {OLD, NEW}),
        ("before", "after", {OLD}),
        ("after", "after", {NEW}),
    ],
)
def test_at_either_end_and_between_a_resource_server_is_told_about_tokens_for_it(
    replicas, minter: str, asked: str, expected: set[str]
) -> None:
    """A server is registered for the old audience or the new one; the token is of any stage."""
    token = mint(replicas[minter], client(replicas["before"], "machine"))
    servers = {audience: client(replicas["before"], audience[4:], audience) for audience in STAGED}
    told = {
        audience for audience, proof in servers.items() if is_active(replicas[asked], token, proof)
    }
    assert told == expected

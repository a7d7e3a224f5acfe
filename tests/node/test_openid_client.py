"""An application with `openid-client`, a certified client library, against the running system."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.system import RunningSystem

pytestmark = [pytest.mark.node, pytest.mark.system]

FLOW = Path(__file__).with_name("flow.mjs")
FLOW_SECONDS_MAX = 120
PUBLIC_URI = "http://127.0.0.1:9/application"
CONFIDENTIAL_URI = "http://127.0.0.1:9/server-side"


@pytest.fixture(scope="module")
def email(running_system: RunningSystem) -> str:
    return running_system.new_email()


@pytest.fixture(scope="module")
def facts(running_system: RunningSystem, node: Path, email: str) -> dict[str, Any]:
    """What the application saw: one pass through every flow."""
    password = "correct horse battery staple"
    running_system.ostiary(
        "user", "add", email, "--password-stdin", "--role", "editor", password=password
    )
    public = running_system.ostiary(
        *("client", "add", "node-public", "--redirect-uri", PUBLIC_URI, "--public"),
        *("--grant", "authorization_code", "--grant", "refresh_token"),
    )
    confidential = running_system.ostiary(
        *("client", "add", "node-confidential", "--redirect-uri", CONFIDENTIAL_URI),
        *("--grant", "authorization_code", "--grant", "refresh_token"),
        *("--grant", "client_credentials"),
    )
    assert public.get("client_secret") is None
    inputs = {
        "issuer": running_system.issuer,
        "account": {"email": email, "password": password},
        "publicClient": {"client_id": public["client_id"], "redirect_uri": PUBLIC_URI},
        "confidentialClient": {
            "client_id": confidential["client_id"],
            "client_secret": confidential["client_secret"],
            "redirect_uri": CONFIDENTIAL_URI,
        },
    }
    result = subprocess.run(
        [str(node), str(FLOW)],
        input=json.dumps(inputs),
        capture_output=True,
        text=True,
        timeout=FLOW_SECONDS_MAX,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_discovery_names_the_address_that_clients_use(
    facts: dict[str, Any], running_system: RunningSystem
) -> None:
    metadata = facts["public"]["metadata"]
    assert metadata["issuer"] == running_system.issuer
    assert metadata["code_challenge_methods_supported"] == ["S256"]


def test_the_code_flow_asks_for_the_password_once_per_session(facts: dict[str, Any]) -> None:
    assert facts["public"]["asked_for_password"] is True
    assert facts["public"]["asked_again_in_session"] is False


def test_the_id_token_is_for_this_application_and_user(
    facts: dict[str, Any], running_system: RunningSystem
) -> None:
    claims = facts["public"]["claims"]
    assert claims["iss"] == running_system.issuer
    assert claims["aud"] in ("node-public", ["node-public"])
    assert claims["exp"] > claims["iat"]


def test_userinfo_tells_whose_token_it_is(facts: dict[str, Any], email: str) -> None:
    assert facts["public"]["userinfo"]["sub"] == facts["public"]["claims"]["sub"]
    assert facts["public"]["userinfo"]["email"] == email


def test_tokens_are_bearer_tokens_with_a_lifetime(facts: dict[str, Any]) -> None:
    assert facts["public"]["token_type"].lower() == "bearer"
    assert facts["public"]["expires_in"] > 0


def test_refresh_rotates(facts: dict[str, Any]) -> None:
    assert facts["public"]["refreshed"] == {"new_access_token": True, "new_refresh_token": True}


def test_a_reused_refresh_token_ends_its_whole_family(facts: dict[str, Any]) -> None:
    refused = {"error": "invalid_grant", "status": 400}
    assert facts["public"]["reused_refresh_token"] == refused
    assert facts["public"]["refresh_token_after_reuse"] == refused


def test_a_code_works_once_and_only_with_its_verifier(facts: dict[str, Any]) -> None:
    refused = {"error": "invalid_grant", "status": 400}
    assert facts["public"]["reused_code"] == refused
    assert facts["public"]["wrong_verifier"] == refused


def test_a_tampered_token_is_refused_and_not_a_fault(facts: dict[str, Any]) -> None:
    assert facts["public"]["tampered_token"]["status"] == 401


def test_after_sign_out_the_password_is_asked_again(facts: dict[str, Any]) -> None:
    assert facts["public"]["asked_after_sign_out"] is True


def test_introspection_tells_an_authenticated_client(facts: dict[str, Any]) -> None:
    seen = facts["confidential"]["introspection"]
    assert seen["active"] is True
    assert seen["sub"] == facts["confidential"]["subject"] == facts["public"]["claims"]["sub"]
    assert facts["confidential"]["introspection_of_rubbish"] == {"active": False}


def test_introspection_tells_nobody_else(facts: dict[str, Any]) -> None:
    assert facts["confidential"]["introspection_by_impostor"]["status"] == 401


def test_a_machine_gets_a_token_without_a_user(facts: dict[str, Any]) -> None:
    machine = facts["confidential"]["client_credentials"]
    assert machine["token_type"].lower() == "bearer"
    assert machine["id_token"] is None

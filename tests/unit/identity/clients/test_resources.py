"""The client part of the admin API."""

import pytest

from tests.identity_app import IdentityService, outcome_of

CLIENT = {
    "client_id": "svc",
    "redirect_uris": [],
    "public": False,
    "grants": ["client_credentials"],
    "scopes": ["api"],
    "audience": "urn:api",
}


def test_a_secret_is_shown_once(service: IdentityService) -> None:
    created = service.admin("POST", "/admin/clients", CLIENT)
    assert created.status_code == 201
    assert created.json["client_id"] == "svc"
    assert created.headers["cache-control"] == "no-store"
    secret = created.json["client_secret"]
    assert secret not in service.admin("GET", "/admin/clients").text


def test_a_public_client_gets_no_secret(service: IdentityService) -> None:
    assert "client_secret" not in service.add_client()


def test_a_taken_id_is_a_conflict(service: IdentityService) -> None:
    service.admin("POST", "/admin/clients", CLIENT)
    answer = service.admin("POST", "/admin/clients", CLIENT)
    assert (answer.status_code, answer.json["error"]) == (409, "already_exists")


def test_clients_are_listed_without_probes_unless_asked(service: IdentityService) -> None:
    service.admin("POST", "/admin/clients", CLIENT)
    service.admin("POST", "/admin/clients", {**CLIENT, "client_id": "probe-1", "probe": True})
    ids = [one["client_id"] for one in service.admin("GET", "/admin/clients").json["clients"]]
    assert ids == ["svc"]
    everything = service.admin("GET", "/admin/clients?probe=1").json["clients"]
    assert [one["client_id"] for one in everything] == ["probe-1", "svc"]


def test_a_deleted_client_is_gone(service: IdentityService) -> None:
    service.admin("POST", "/admin/clients", CLIENT)
    assert service.admin("DELETE", "/admin/clients/svc").status_code == 204
    assert service.admin("DELETE", "/admin/clients/svc").status_code == 404
    assert service.admin("GET", "/admin/clients").json == {"clients": []}


@pytest.mark.parametrize("path", ["/admin/clients/%00", "/admin/clients/%ff", "/admin/clients/a b"])
def test_a_path_that_names_no_client_is_not_found(service: IdentityService, path: str) -> None:
    assert service.admin("DELETE", path).status_code == 404


def test_a_wrong_body_is_named(service: IdentityService) -> None:
    answer = service.admin("POST", "/admin/clients", {**CLIENT, "grants": ["magic"]})
    assert answer.status_code == 400
    assert "grants.0" in answer.json["message"]
    assert answer.json["hint"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nobody_else_gets_in(service: IdentityService, method: str) -> None:
    answer = service.admin(method, "/admin/clients", CLIENT, token="wrong")
    assert (answer.status_code, outcome_of(answer)) == (401, "no_credentials")
    through_the_edge = service.edge().request(
        method, "/admin/clients", headers={"authorization": "Bearer admin-token-of-the-tests"}
    )
    assert through_the_edge.status_code == 404

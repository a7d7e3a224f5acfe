import pytest
from sqlalchemy import func, select

from ostiary.identity.store.schema import sessions
from tests.identity_app import ADMIN_TOKEN, IdentityService, outcome_of

NEW = {"email": "Ada@example.org", "password": "correct horse battery"}
ADA = "/admin/users/ada@example.org"


def test_a_created_user_is_shown_without_a_password(service: IdentityService) -> None:
    answer = service.admin("POST", "/admin/users", {**NEW, "roles": ["b", "a"]})
    assert answer.status_code == 201
    user = answer.json
    assert user == {
        "id": user["id"],
        "email": "Ada@example.org",
        "roles": ["a", "b"],
        "disabled": False,
        "probe": False,
        "created_at": 1767225600,
    }
    assert service.admin("GET", ADA).json == user
    assert service.admin("GET", f"/admin/users/{user['id']}").json == user
    assert service.admin("GET", "/admin/users").json == {"users": [user]}
    assert service.edge().sign_in().status_code == 303


def test_a_taken_address_is_a_conflict(service: IdentityService) -> None:
    service.add_user()
    answer = service.admin("POST", "/admin/users", NEW)
    assert answer.status_code == 409
    assert answer.json["error"] == "already_exists"
    assert outcome_of(answer) == "already_exists"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"email": "ada"}, "invalid_request"),
        ({"email": 1}, "invalid_request"),
        ({"password": "short"}, "weak_password"),
        ({"password": None}, "invalid_request"),
        ({"roles": ["Not A Role"]}, "invalid_request"),
        ({"roles": "admin"}, "invalid_request"),
        ({"probe": "yes"}, "invalid_request"),
        ({"probe": True, "roles": ["admin"]}, "invalid_request"),
        ({"admin": True}, "invalid_request"),
    ],
)
def test_a_bad_body_is_refused_with_a_reason_and_without_its_values(
    service: IdentityService, change: dict[str, object], error: str
) -> None:
    answer = service.admin("POST", "/admin/users", {**NEW, "password": "tell nobody 123", **change})
    assert (answer.status_code, answer.json["error"]) == (400, error)
    assert set(answer.json) == {"error", "message", "hint"}
    assert "tell nobody" not in answer.text
    assert service.admin("GET", "/admin/users").json == {"users": []}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff",
        b'{"email":"a@b.c"}',
        b'{"email":"a\\ud800@b.c","password":"correct horse"}',
        b'{"email":"a@b.c","password":"correct horse \\ud800"}',
    ],
)
def test_a_body_that_is_no_user_is_refused(service: IdentityService, body: bytes) -> None:
    answer = service.client().simulate_post(
        "/admin/users", body=body, headers={"authorization": f"Bearer {ADMIN_TOKEN}"}
    )
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_probes_are_listed_only_when_asked_for(service: IdentityService) -> None:
    service.add_user("ada@example.org")
    service.add_user("probe@example.org", probe=True)
    emails = [
        [user["email"] for user in service.admin("GET", path).json["users"]]
        for path in ("/admin/users", "/admin/users?probe=1")
    ]
    assert emails == [["ada@example.org"], ["ada@example.org", "probe@example.org"]]


def test_disabling_ends_sessions_before_the_call_returns(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    answer = service.admin("POST", f"{ADA}/disable")
    assert (answer.status_code, answer.json["disabled"]) == (200, True)
    with service.store.read() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar_one() == 0
    assert outcome_of(service.edge().sign_in()) == "user_disabled"
    answer = service.admin("POST", f"{ADA}/enable")
    assert (answer.status_code, answer.json["disabled"]) == (200, False)
    assert service.edge().sign_in().status_code == 303


def test_a_deleted_user_is_gone_with_their_sessions(service: IdentityService) -> None:
    service.add_user()
    browser = service.edge()
    browser.sign_in()
    answer = service.admin("DELETE", ADA)
    assert (answer.status_code, answer.text) == (204, "")
    assert "Nobody is signed in" in browser.get("/demo").text
    assert outcome_of(service.edge().sign_in()) == "unknown_user"
    assert service.admin("GET", ADA).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/admin/users/bob@example.org"),
        ("DELETE", "/admin/users/bob@example.org"),
        ("POST", "/admin/users/bob@example.org/disable"),
        ("POST", "/admin/users/nobody/enable"),
    ],
)
def test_an_unknown_user_is_not_found(service: IdentityService, method: str, path: str) -> None:
    answer = service.admin(method, path)
    assert (answer.status_code, answer.json["error"]) == (404, "not_found")


ROUTES = [
    ("GET", "/admin/users"),
    ("POST", "/admin/users"),
    ("GET", ADA),
    ("DELETE", ADA),
    ("POST", f"{ADA}/disable"),
    ("POST", f"{ADA}/enable"),
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("token", ["", "wrong", ADMIN_TOKEN[:-1]])
def test_without_the_token_nothing_is_answered(
    service: IdentityService, method: str, path: str, token: str
) -> None:
    service.add_user()
    answer = service.admin(method, path, NEW, token=token)
    assert (answer.status_code, answer.json["error"]) == (401, "no_credentials")


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_through_the_edge_there_is_no_administration(
    service: IdentityService, method: str, path: str
) -> None:
    headers = {"authorization": f"Bearer {ADMIN_TOKEN}"}
    assert service.edge().request(method, path, headers=headers).status_code == 404

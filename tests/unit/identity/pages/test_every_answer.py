"""Whatever is asked, the answer names its outcome, and a page has its headers."""

import itertools
from collections.abc import Iterator

import pytest
from falcon import testing
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.identity.pages.demo import DemoPage
from ostiary.kernel.outcomes import Outcome, parse
from tests.identity_app import SNAPSHOT, IdentityService, build_identity, outcome_of

PATHS = [
    "/",
    "/sign-in",
    "/sign-up",
    "/sign-out",
    "/demo",
    "/favicon.ico",
    "/nothing/here",
    "/admin/users",
    "/admin/users/ada@example.org",
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/end-session",
    "/oauth2/jwks",
    "/.well-known/openid-configuration",
]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "WEBSOCKET"]
BODIES = [None, b"", b"\xff\x00", b"a=1&a=2", b"{}", b"x" * 70_000]
CONTENT_TYPES = ["application/x-www-form-urlencoded", "application/json", "text/plain; charset=é"]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IdentityService]:
    """One service for all questions here: none of them changes anything."""
    built = build_identity(tmp_path_factory.mktemp("identity"))
    yield built
    built.close()


def names_its_outcome(answer: testing.Result) -> bool:
    snapshot, _, word = answer.headers["x-auth-outcome"].partition("/")
    return snapshot == SNAPSHOT and parse(word) is not Outcome.OTHER


UNKNOWN_METHODS = pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
"""The test client's own checks warn of methods that Falcon refuses before any middleware."""


@UNKNOWN_METHODS
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("path", PATHS)
def test_every_answer_names_an_outcome_of_the_closed_list(
    service: IdentityService, method: str, path: str
) -> None:
    for body, content_type in itertools.product(BODIES, CONTENT_TYPES):
        answer = service.edge().request(
            method, path, body=body, headers={"content-type": content_type}
        )
        assert names_its_outcome(answer), (body, content_type)
        assert answer.status_code < 500 or path == "/oauth2/jwks"


@UNKNOWN_METHODS
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(METHODS),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=30),
    st.dictionaries(
        st.sampled_from(["cookie", "accept", "authorization", "x-request-id", "origin", "host"]),
        st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40),
    ),
)
def test_no_address_or_header_gets_an_answer_without_an_outcome(
    service: IdentityService, method: str, path: str, headers: dict[str, str]
) -> None:
    query = path.replace("\r", "").replace("\n", "")
    client = testing.TestClient(service.identity.app)
    for target in (f"/{query.replace('?', '')}", "/sign-in", "/demo"):
        answer = client.simulate_request(method, target, headers=headers)
        assert names_its_outcome(answer)


@pytest.mark.parametrize("size", [64 * 1024 + 1, 2**40])
def test_a_body_that_is_too_large_is_refused_as_such(service: IdentityService, size: int) -> None:
    answer = service.edge().request(
        "POST", "/sign-in", body=b"x", headers={"content-length": str(size)}
    )
    assert (answer.status_code, outcome_of(answer)) == (413, "too_large")


def test_a_method_that_is_not_allowed_names_those_that_are(service: IdentityService) -> None:
    answer = service.edge().request("DELETE", "/sign-in")
    assert (answer.status_code, outcome_of(answer)) == (405, "method_not_allowed")
    assert {"GET", "HEAD", "POST"} <= set(answer.headers["allow"].split(", "))


def test_a_bug_is_answered_as_a_page_that_tells_nothing_of_it(
    service: IdentityService, monkeypatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(DemoPage, "on_get", fail)
    broken = service.replica()
    answer = broken.edge().get("/demo", request_id="r-77")
    assert (answer.status_code, outcome_of(answer)) == (500, "internal_error")
    assert "Something went wrong" in answer.text
    assert "r-77" in answer.text
    assert "secret detail" not in answer.text
    assert answer.headers["content-type"].startswith("text/html")


PAGES = ["/sign-in", "/sign-up", "/sign-out", "/demo", "/nothing/here"]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_its_security_headers(service: IdentityService, path: str) -> None:
    headers = service.edge().get(path).headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    for part in ("base-uri 'none'", "frame-ancestors 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", PAGES)
def test_head_answers_like_get_without_a_body(service: IdentityService, path: str) -> None:
    page, head = service.edge().get(path), service.edge().request("HEAD", path)
    assert head.status_code == page.status_code
    assert head.text == ""


@pytest.mark.parametrize(
    ("path", "accept", "kind"),
    [
        ("/nothing", "text/html", "text/html"),
        ("/nothing", "*/*", "text/html"),
        ("/nothing", "application/json", "application/json"),
        ("/admin/nothing", "*/*", "application/json"),
        ("/admin/nothing", "text/html", "application/json"),
        ("/oauth2/nothing", "text/html", "application/json"),
        ("/.well-known/nothing", "*/*", "application/json"),
        ("/sign-in", "application/json", "application/json"),
    ],
)
def test_people_get_pages_and_programs_get_json(
    service: IdentityService, path: str, accept: str, kind: str
) -> None:
    answer = service.edge().request("DELETE", path, headers={"accept": accept})
    assert answer.headers["content-type"].partition(";")[0] == kind
    if kind == "application/json":
        assert set(answer.json) == {"error", "message", "hint"}

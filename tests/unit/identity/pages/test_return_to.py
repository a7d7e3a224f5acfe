from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ostiary.identity.pages.return_to import form_action, local_path

HOST = "login.example"


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/demo",
        "/oauth2/authorize?client_id=app&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=%C3%BC",
        "/sign-out?return_to=%2Fdemo#top",
        "/a//b",
    ],
)
def test_paths_on_this_host_are_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "demo",
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/demo\\..\\evil",
        "/\t/evil.example",
        "\t//evil.example",
        " //evil.example",
        "/\n/evil.example",
        "/demo\r\nset-cookie: a=b",
        "/\x00/evil.example",
        "/\u2028/evil.example",
        "javascript:alert(1)",
        "http:/evil.example",
        "/" + "x" * 16_384,
    ],
)
def test_anything_else_leads_to_the_demo_page(text: str | None) -> None:
    assert local_path(text) == "/demo"


def test_characters_that_no_header_may_carry_are_escaped() -> None:
    assert local_path("/für alle") == "/f%C3%BCr%20alle"


LEADS = st.sampled_from(["/", "//", "/\\", "/\t/", "/ /", "/%2f", "/.//", "/..//", "https:", "/@"])


@given(st.builds(lambda lead, rest: lead + rest, LEADS, st.text(max_size=40)))
@example("/..//evil.example")
@example("/%5cevil.example")
def test_no_text_leads_to_another_host(text: str) -> None:
    path = local_path(text)
    assert path.isascii()
    assert path.isprintable()
    assert " " not in path
    target = urlsplit(urljoin(f"https://{HOST}/sign-in", path))
    assert (target.scheme, target.netloc) == ("https", HOST)


def authorize(redirect_uri: str) -> str:
    return f"/oauth2/authorize?client_id=app&redirect_uri={redirect_uri}"


@pytest.mark.parametrize(
    ("path", "sources"),
    [
        ("/demo", "'self'"),
        ("/demo?redirect_uri=https://evil.example", "'self'"),
        (authorize("https%3A%2F%2Fapp.example%2Fcb"), "'self' https:"),
        (authorize("http%3A%2F%2F127.0.0.1%3A4000%2Fcb"), "'self' http: https:"),
        (authorize("com.example.app%3A%2Fcb"), "'self' com.example.app: https:"),
        (authorize("javascript%3Aalert(1)"), "'self' https:"),
        (authorize("data%3Atext%2Fhtml%2Cx"), "'self' https:"),
        (authorize("*"), "'self' https:"),
        (authorize("x%3B+script-src+%2A%3A"), "'self' https:"),
        (authorize("%0D%0Aset-cookie%3Aa"), "'self' https:"),
        ("/oauth2/authorize", "'self' https:"),
    ],
)
def test_a_form_may_lead_as_far_as_its_flow_does(path: str, sources: str) -> None:
    assert form_action(path) == sources

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.edge.route_classes import STRATA
from ostiary.watch.relying_party.routes import stratum_of
from ostiary.watch.relying_party.target import Target, origin_of

REPLICA = Target("replica", "http://127.0.0.1:41001", "https://login.example.org")


def test_an_address_of_the_issuer_leads_to_the_replica():
    assert REPLICA.address("https://login.example.org/oauth2/token?a=b") == (
        "http://127.0.0.1:41001/oauth2/token?a=b"
    )


def test_a_path_leads_to_the_replica():
    assert REPLICA.address("/sign-in") == "http://127.0.0.1:41001/sign-in"


def test_a_fragment_is_not_sent():
    assert REPLICA.address("/demo#top") == "http://127.0.0.1:41001/demo"


@pytest.mark.parametrize(
    "location",
    [
        "https://attacker.example/",
        "//attacker.example/",
        "http://login.example.org/",
        "https://login.example.org:444/",
        "https://login.example.org.attacker.example/",
        "https://[",
    ],
)
def test_an_address_of_somebody_else_is_not_owned(location):
    assert not REPLICA.owns(location)
    with pytest.raises(ValueError, match=r"origin|IPv6"):
        REPLICA.address(location)


def test_a_relative_address_belongs_to_the_page_it_stands_on():
    assert REPLICA.public("more", current="/oauth2/authorize") == (
        "https://login.example.org/oauth2/more"
    )


def test_the_host_is_the_public_one():
    assert REPLICA.host == "login.example.org"


def test_the_pin_is_not_shown():
    assert "hush" not in repr(Target("edge", "http://x", "http://x", pin="hush"))


@given(st.text())
def test_no_location_gives_an_error(location):
    REPLICA.owns(location)
    origin_of(location)


LOCATIONS = st.one_of(
    st.text(max_size=30),
    st.text(alphabet="/.?#;:=&a\\\\%@", max_size=20),
    st.text(alphabet="/.?#;a", max_size=20).map(lambda rest: f"https://login.example.org/{rest}"),
)


@given(LOCATIONS)
def test_a_location_is_joined_as_the_standard_library_does(location):
    try:
        expected = urljoin("https://login.example.org/page", location)
    except ValueError:
        assert not REPLICA.owns(location)
    else:
        assert REPLICA.public(location, current="/page") == expected


@pytest.mark.parametrize(
    ("method", "path", "stratum"),
    [
        ("POST", "/sign-in", "sign_in.password"),
        ("GET", "/sign-in", "page"),
        ("POST", "/sign-out", "sign_out"),
        ("GET", "/oauth2/authorize", "authorize"),
        ("POST", "/oauth2/token", "token"),
        ("GET", "/oauth2/userinfo", "userinfo"),
        ("POST", "/oauth2/introspect", "introspect"),
        ("POST", "/ofrep/v1/evaluate/flags/new_page", "flags"),
        ("GET", "/oauth2/end-session", "end_session"),
        ("GET", "/oauth2/jwks", "discovery"),
        ("GET", "/.well-known/openid-configuration", "discovery"),
        ("GET", "/demo", "page"),
    ],
)
def test_a_request_belongs_to_one_route_class(method, path, stratum):
    assert stratum_of(method, path) == stratum
    assert stratum in STRATA


@pytest.mark.parametrize(
    ("grant", "stratum"),
    [
        ("client_credentials", "token.client_credentials"),
        ("refresh_token", "token.refresh_token"),
        ("password", "token"),
        ("", "token"),
    ],
)
def test_a_token_request_belongs_to_its_grant_where_that_is_listed(grant, stratum):
    assert stratum_of("POST", "/oauth2/token", {"grant_type": grant}) == stratum

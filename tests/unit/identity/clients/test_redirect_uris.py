"""Which redirect addresses may be registered, and which requested one is registered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.clients.redirect_uris import is_registered, reason_not_to_register

REGISTERED = ("https://app.example/callback", "http://127.0.0.1/native", "http://[::1]:7/native")


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback",
        "https://app.example",
        "https://app.example:8443/a/b?x=1&y=2",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:3000/cb",
        "http://[::1]/cb",
        "http://localhost:5173/cb",
        "https://xn--bcher-kva.example/%C3%BC",
    ],
)
def test_addresses_that_may_be_registered(uri: str) -> None:
    assert reason_not_to_register(uri) is None


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "/callback",
        "app.example/callback",
        "//app.example/callback",
        "http://app.example/callback",
        "http://127.0.0.1.evil.example/cb",
        "http://127.0.0.2/cb",
        "ftp://app.example/",
        "javascript:alert(1)",
        "data:text/html,hello",
        "com.example.app:/callback",
        "https:///callback",
        "https:app.example",
        "https://app.example/callback#fragment",
        "https://app.example/callback#",
        "https://user@app.example/callback",
        "https://*.app.example/callback",
        "https://app.example/call back",
        "https://app.example/call\nback",
        "https://app.example/call\x00back",
        "https://app.example\\@evil.example/",
        "https://bücher.example/",
        "https://app.example:port/",
        "https://[::1/",
        "https://app.example/" + "a" * 2000,
    ],
)
def test_addresses_that_may_not_be_registered(uri: str) -> None:
    assert reason_not_to_register(uri)


@pytest.mark.parametrize("uri", REGISTERED)
@pytest.mark.parametrize("public", [True, False])
def test_a_registered_address_matches_itself(uri: str, public: bool) -> None:
    assert is_registered(uri, REGISTERED, any_loopback_port=public)


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example/callback/",
        "https://app.example/callback?x=1",
        "https://app.example/callback#x",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "https://app.example:443/callback",
        "https://app.example/./callback",
        "https://app.example/x/../callback",
        "https://app.example/callbac%6B",
        "https://app.example//callback",
        "https://evil.example/callback",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "http://app.example/callback",
        "https://app.example",
        " https://app.example/callback",
        "https://app.example/callback\n",
        "http://127.0.0.1:80x/native",
        "http://127.0.0.1:3000/other",
        "http://127.0.0.1:3000/native?x",
        "http://127.0.0.1:3000/native#x",
        "http://127.0.0.1:3000@evil.example/native",
        "http://evil.example:3000/native",
        "http://localhost:3000/native",
        "http://127.0.0.1.evil.example/native",
        "http://127.1:3000/native",
        "http://2130706433:3000/native",
        "https://127.0.0.1:3000/native",
        "HTTP://127.0.0.1:3000/native",
        "http://[::ffff:127.0.0.1]:3000/native",
        "",
    ],
)
@pytest.mark.parametrize("public", [True, False])
def test_everything_else_does_not_match(uri: str, public: bool) -> None:
    assert not is_registered(uri, REGISTERED, any_loopback_port=public)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1:3000/native", "http://[::1]/native", "http://[::1]:65535/native"]
)
def test_a_native_application_may_choose_its_loopback_port(uri: str) -> None:
    assert is_registered(uri, REGISTERED, any_loopback_port=True)
    assert not is_registered(uri, REGISTERED, any_loopback_port=False)


@given(st.text(max_size=80))
def test_no_text_is_an_error(uri: str) -> None:
    reason_not_to_register(uri)
    assert not is_registered(uri, ("https://a.example/?only=this",), any_loopback_port=True)


@given(
    before=st.sampled_from(["http://127.0.0.1", "http://[::1]", "https://app.example"]),
    after=st.text(alphabet=":/@#?.\\%0123456789abn tive[]", max_size=20),
)
def test_what_matches_leads_to_a_registered_host(before: str, after: str) -> None:
    uri = before + after
    if is_registered(uri, REGISTERED, any_loopback_port=True):
        assert uri in REGISTERED or uri.startswith(("http://127.0.0.1:", "http://[::1]"))
        assert uri.endswith(("/native", "/callback"))

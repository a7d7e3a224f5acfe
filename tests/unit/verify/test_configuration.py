"""Mistakes in the configuration are refused where they are made, all of them in one message."""

import ssl
from typing import Any

import pytest

from ostiary.verify import (
    ConfigurationError,
    Options,
    Verifier,
    VerifyASGI,
    VerifyWSGI,
    requirements,
)
from tests.unit.verify.issuer import AUDIENCE, ISSUER


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"issuer": None}, "issuer must be an address such as https://"),
        ({"issuer": b"https://login.example"}, "issuer must be an address"),
        ({"issuer": ""}, "issuer is neither https nor http"),
        ({"issuer": "login.example"}, "issuer is neither https nor http"),
        ({"issuer": "https://"}, "issuer is not an absolute address"),
        ({"issuer": "https://login.example /x"}, "issuer is not an absolute address"),
        ({"issuer": "https://[::1"}, "issuer is not an address"),
        ({"issuer": "https://login.example:x"}, "issuer is not an address"),
        ({"issuer": "https://a:b@login.example"}, "issuer holds a user name or a password"),
        ({"issuer": "https://login.example#x"}, "issuer has a fragment"),
        ({"issuer": "https://login.example?x=1"}, "issuer has a query"),
        ({"issuer": "http://login.example"}, "allow_http=True"),
        ({"jwks_uri": "http://login.example/jwks"}, "jwks_uri is not https"),
        ({"jwks_uri": 7}, "jwks_uri must be an address"),
        ({"audience": ""}, "audience must be a text"),
        ({"audience": []}, "audience must be a text"),
        ({"audience": [1]}, "audience must be a text"),
        ({"audience": None}, "audience must be a text"),
        ({"algorithms": ["none"]}, "algorithms has 'none'; there are ES256"),
        ({"algorithms": "HS256"}, "algorithms has 'HS256'"),
        ({"algorithms": []}, "algorithms must be a text"),
        ({"roles_claim": ""}, "roles_claim must be a text"),
        ({"leeway_seconds": -1}, "leeway_seconds must be a number from 0 to 300, not -1"),
        ({"leeway_seconds": float("nan")}, "leeway_seconds must be a number"),
        ({"stale_seconds": "1h"}, "stale_seconds must be a number from 0 to 604800, not '1h'"),
        ({"fetch_seconds": 0}, "fetch_seconds must be a number from 0.1"),
        ({"wait_seconds": True}, "wait_seconds must be a number"),
        ({"unknown_key_seconds": 0}, "unknown_key_seconds must be a number from 1"),
        ({"token_bytes_max": 8192.0}, "token_bytes_max must be a whole number"),
        ({"seen_tokens_max": -1}, "seen_tokens_max must be a whole number from 0"),
        ({"allow_http": "yes"}, "allow_http must be True or False, not 'yes'"),
        ({"tls": "ca.pem"}, "tls must be an ssl.SSLContext"),
        ({"leway_seconds": 5}, "there is no leway_seconds; there are issuer, audience"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_write(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Verifier(**({"issuer": ISSUER, "audience": AUDIENCE} | options))
    assert said in str(caught.value)
    assert isinstance(caught.value, ValueError)


def test_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Options(issuer="x", audience="", leeway_seconds=-1)
    assert str(caught.value).count(";") == 3


def test_issuer_and_audience_are_needed() -> None:
    with pytest.raises(ConfigurationError, match="issuer is missing; audience is missing"):
        Verifier()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "options",
    [
        {"issuer": "http://localhost:8000"},
        {"issuer": "http://127.0.0.1:8000"},
        {"issuer": "http://[::1]:8000"},
        {"issuer": "http://identity:8000", "allow_http": True},
        {"issuer": ISSUER + "/tenant/", "tls": ssl.create_default_context()},
        {"audience": ("a", "b"), "algorithms": {"ES256", "PS512"}, "roles_claim": ("a", "b")},
    ],
)
def test_what_can_be_is_accepted(options: dict[str, Any]) -> None:
    Verifier(**({"issuer": ISSUER, "audience": AUDIENCE} | options))


@pytest.mark.parametrize("middleware", [VerifyASGI, VerifyWSGI])
@pytest.mark.parametrize(
    "options", [{"public": "/health"}, {"public": ["health"]}, {"public": [7]}, {"public": 7}]
)
def test_public_paths_have_to_be_paths(middleware: Any, options: dict[str, Any]) -> None:
    verifier = Verifier(issuer=ISSUER, audience=AUDIENCE)
    with pytest.raises(ConfigurationError, match="begin with a slash"):
        middleware(None, verifier, **options)


@pytest.mark.parametrize("middleware", [VerifyASGI, VerifyWSGI])
def test_the_middleware_wants_a_verifier(middleware: Any) -> None:
    with pytest.raises(ConfigurationError, match="must be a Verifier, not a str"):
        middleware(None, "https://login.example")


@pytest.mark.parametrize("names", [(), ("",), ("a b",), ('a"',), ("ä",), (7,), (["a"],)])
def test_scopes_have_to_be_scopes(names: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match="require_scope takes"):
        requirements.scopes(*names)


@pytest.mark.parametrize("names", [(), ("",), (7,), (["a"],)])
def test_roles_have_to_be_names(names: tuple[Any, ...]) -> None:
    with pytest.raises(ConfigurationError, match="require_role takes"):
        requirements.roles(*names)

"""The answers of the middleware: 401, 403 or 503, by ASGI and WSGI alike, and never a 500."""

import logging
from typing import Any

import pytest

from ostiary.verify import Verifier
from tests.unit.verify.asking import BOTH, Got
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.issuer import HandClock, Issuer, dead

pytestmark = pytest.mark.parametrize("ask", BOTH)


def bearer(token: str) -> bytes:
    return b"Bearer " + token.encode()


def test_a_good_token_is_let_through(ask: Any, issuer: Issuer, verifier: Verifier) -> None:
    got: Got = ask(verifier, bearer(issuer.token()))
    assert (got.status, got.subject) == (200, "u-ada")
    assert ask(verifier, b"bEARER   " + issuer.token().encode() + b" ").subject == "u-ada"


@pytest.mark.parametrize("value", [None, b"", b"Basic YTpi", b"Bearerx", b"DPoP x"])
def test_without_a_token_no_error_is_named(
    ask: Any, verifier: Verifier, value: bytes | None
) -> None:
    got: Got = ask(verifier, *([] if value is None else [value]))
    assert got.status == 401
    assert got.headers["www-authenticate"] == 'Bearer realm="api"'
    assert got.headers["cache-control"] == "no-store"
    assert got.headers["content-length"] == str(len(got.body))
    assert got.error == "no_credentials"


def test_a_refused_token_is_told_why(ask: Any, issuer: Issuer, verifier: Verifier) -> None:
    got: Got = ask(verifier, bearer(issuer.token(exp=1)))
    assert got.status == 401
    assert got.headers["www-authenticate"] == (
        'Bearer realm="api", error="invalid_token", '
        'error_description="The access token has expired."'
    )
    assert got.error == "invalid_token"


@pytest.mark.parametrize(
    "values",
    [
        [b"Bearer"],
        [b"Bearer "],
        [b"Bearer a b"],
        [b"Bearer \xff\xfe\x00"],
        [b"Bearer " + b"x" * 1_000_000],
        [b"Bearer a", b"Bearer b"],
        [b"Bearer a", b"Basic b"],
    ],
)
def test_a_header_that_nobody_should_send_is_401(
    ask: Any, verifier: Verifier, values: list[bytes]
) -> None:
    got: Got = ask(verifier, *values)
    assert (got.status, got.error) == (401, "invalid_token")


def test_two_good_tokens_are_not_one(ask: Any, issuer: Issuer, verifier: Verifier) -> None:
    token = bearer(issuer.token())
    assert ask(verifier, token, token).status == 401


def test_without_keys_it_is_503_and_when_to_try_again(
    ask: Any, issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    issuer.fault = dead
    got: Got = ask(make_verifier(), bearer(issuer.token()))
    assert (got.status, got.error) == (503, "temporarily_unavailable")
    assert 1 <= int(got.headers["retry-after"]) <= 31
    assert "www-authenticate" not in got.headers


def test_public_paths_need_nobody_and_others_do(
    ask: Any, issuer: Issuer, verifier: Verifier
) -> None:
    public = ["/health", "/docs/", "/"]
    for path in ("/", "/health", "/docs/", "/docs/a/b"):
        assert ask(verifier, path=path, public=public).subject is None
        assert ask(verifier, b"Bearer rubbish", path=path, public=public).subject is None
    for path in ("/orders", "/health/", "/healthy", "/docs", "/docs/../orders", "/docs//x", ""):
        assert ask(verifier, path=path, public=public).status == 401


def test_where_nobody_is_required_a_bad_token_is_refused_all_the_same(
    ask: Any, issuer: Issuer, verifier: Verifier
) -> None:
    assert ask(verifier, required=False).subject is None
    assert ask(verifier, bearer(issuer.token()), required=False).subject == "u-ada"
    assert ask(verifier, b"Bearer rubbish", required=False).status == 401


def test_a_bug_of_the_verifier_is_503_and_its_token_in_no_log(
    ask: Any,
    issuer: Issuer,
    verifier: Verifier,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(token: bytes, *_: object) -> None:
        raise RuntimeError(token)

    monkeypatch.setattr(verifier._checker, "check", broken)
    token = issuer.token()
    got: Got = ask(verifier, bearer(token))
    assert got.status == 503
    assert "a bug in ostiary.verify: RuntimeError in" in caplog.text
    assert token not in caplog.text


def test_the_log_tells_reasons_and_no_token(
    ask: Any,
    issuer: Issuer,
    verifier: Verifier,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [
        issuer.token(),
        issuer.token(exp=1),
        issuer.token(sub=""),
        issuer.token(header={"kid": "secret\nkid"}),
        issuer.token() + "x",
        "rubbish",
    ]
    for token in tokens:
        ask(verifier, bearer(token))
    assert "The access token has expired." in caplog.text
    assert "cannot be. (sub)" in caplog.text
    parts = [part for token in tokens for part in token.split(".")]
    assert [part for part in parts if part in caplog.text] == []
    assert "secret" not in caplog.text

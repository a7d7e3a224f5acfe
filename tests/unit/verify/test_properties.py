"""What holds for any token, any key set and any issuer: never a 500, never a wrong yes."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.verify import Verifier
from ostiary.verify.base64url import NotBase64UrlError, decode
from ostiary.verify.json_objects import NotJsonError, read_object
from ostiary.verify.keys.key_set import UnusableKeysError, read_key_set
from tests.fuzz import targets
from tests.unit.verify.asking import by_asgi, by_wsgi
from tests.unit.verify.issuer import (
    AUDIENCE,
    DISCOVERY,
    ISSUER,
    JWKS,
    MAKERS,
    HandClock,
    Issuer,
    claims_of,
    dead,
    encoded,
)

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(["EC", "RSA", "OKP", "P-256", "Ed25519", "sig", "ES256", "k-1", AUDIENCE])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)
GOOD_KEY = MAKERS["ES256"]().as_dict(private=False)
NAMES = st.sampled_from(
    ["iss", "aud", "sub", "exp", "iat", "nbf", "jti", "client_id", "scope", "roles", "other"]
)
HEADER_NAMES = st.sampled_from(["alg", "typ", "kid", "crit", "b64", "jwk", "jku", "zip", "enc"])
KEY_NAMES = st.sampled_from(
    ["kty", "crv", "x", "y", "n", "e", "d", "k", "use", "alg", "kid", "key_ops", "x5c"]
)


def is_json(value: object) -> bool:
    """Return whether there are only numbers that JSON has."""
    text = text_of(value)
    return b"NaN" not in text and b"Infinity" not in text


def text_of(value: object) -> bytes:
    return json.dumps(value).encode()


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_base64url_reads_its_own_text_and_no_other(content: bytes) -> None:
    text = encoded(content).encode()
    assert decode(text) == content
    for other in (text + b"=", text + b"\n", b"+" + text, text.swapcase()):
        try:
            assert encoded(decode(other)).encode() == other
        except NotBase64UrlError:
            continue


@given(st.binary(max_size=40))
@settings(deadline=None)
def test_whatever_base64url_accepts_has_one_text(text: bytes) -> None:
    try:
        content = decode(text)
    except NotBase64UrlError:
        return
    assert encoded(content).encode() == text


@given(st.binary(max_size=200) | VALUES.map(text_of))
@settings(deadline=None)
def test_whatever_json_accepts_is_an_object(content: bytes) -> None:
    try:
        assert isinstance(read_object(content), dict)
    except NotJsonError:
        return


@given(st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
@settings(deadline=None)
def test_no_header_lets_anybody_in(value: bytes) -> None:
    targets.authorization(value)
    targets.authorization(b"Bearer " + value)


@given(
    header=st.dictionaries(HEADER_NAMES, VALUES, max_size=3),
    claims=st.dictionaries(NAMES, VALUES, max_size=4),
    left_out=st.sets(NAMES | HEADER_NAMES, max_size=2),
)
@settings(max_examples=200, deadline=None)
def test_a_signed_token_is_let_in_only_where_another_judge_agrees(
    header: dict[str, Any], claims: dict[str, Any], left_out: set[str]
) -> None:
    head = {"alg": "EdDSA", "typ": "at+jwt", "kid": "k-e"} | header
    said = claims_of() | claims
    for name in left_out:
        head.pop(name, None)
        said.pop(name, None)
    targets.signed_token(text_of(head) + targets.BETWEEN + text_of(said))


@given(
    entries=st.lists(st.dictionaries(KEY_NAMES, VALUES, max_size=8) | VALUES, max_size=6).filter(
        is_json
    ),
    good=st.booleans(),
)
@settings(deadline=None)
def test_any_key_set_is_refused_or_holds_keys(entries: list[Any], good: bool) -> None:
    if good:
        entries = [*entries, GOOD_KEY]
    targets.key_set(text_of({"keys": entries}))
    if good:
        assert len(read_key_set(text_of({"keys": entries}), frozenset({"ES256"}))) >= 1


@given(st.dictionaries(st.sampled_from(["issuer", "jwks_uri", "other"]), VALUES), st.text())
@settings(deadline=None)
def test_any_metadata_is_refused_or_names_keys_over_tls(document: Any, address: str) -> None:
    targets.metadata(text_of(document))
    targets.metadata(text_of({"issuer": ISSUER, "jwks_uri": address}))
    targets.metadata(text_of({"issuer": ISSUER, "jwks_uri": "https://" + address}))


@given(
    changed=st.integers(0, 10_000),
    replacement=st.sampled_from(b"ABCxyz019-_.=+/ \n\x00\xff"),
)
@settings(deadline=None)
def test_a_good_token_with_one_byte_changed_is_refused(changed: int, replacement: int) -> None:
    token = bytearray(targets._GOOD[0].encode())
    position = changed % len(token)
    if token[position] == replacement:
        return
    token[position] = replacement
    targets.authorization(b"Bearer " + bytes(token))
    assert targets._admitted(b"Bearer " + bytes(token)) is None


STATUSES = st.sampled_from([200, 201, 204, 301, 302, 307, 308, 400, 401, 403, 404, 429, 500, 503])
WRONG_ANSWERS = st.builds(
    lambda status, content, headers: (
        lambda: httpx.Response(status, content=content, headers=headers)
    ),
    STATUSES,
    st.binary(max_size=50) | VALUES.map(text_of),
    st.fixed_dictionaries(
        {},
        optional={
            "location": st.just("https://evil.example/jwks"),
            "cache-control": st.sampled_from(["max-age=0", "max-age=99999999999", "no-store", "="]),
            "content-encoding": st.sampled_from(["gzip", "br", "identity", "x"]),
            "content-type": st.sampled_from(["text/html", "application/json", "\xff"]),
        },
    ),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("wrong"), st.sampled_from([DISCOVERY, JWKS]), WRONG_ANSWERS),
        st.tuples(st.just("dead"), st.none(), st.none()),
        st.tuples(st.just("well"), st.none(), st.none()),
        st.tuples(st.just("rotate"), st.none(), st.none()),
        st.tuples(st.just("wait"), st.floats(0, 50_000), st.none()),
    ),
    max_size=12,
)


class History:
    """An issuer to which things happen, and requests to an API meanwhile."""

    def __init__(self) -> None:
        self.issuer, self.clock = Issuer(), HandClock()
        self.verifier = Verifier(
            issuer=ISSUER,
            audience=AUDIENCE,
            clock=self.clock,
            transport=self.issuer.transport,
            fetch_seconds=60,
            wait_seconds=60,
        )
        self.forger = Issuer()
        self.generation = 1
        self.was_ready = False

    def take(self, step: tuple[str, Any, Any]) -> None:
        what, where, answer = step
        if what == "wrong":
            self.issuer.fault = lambda r: answer() if r.url.path == where else None
        elif what == "dead":
            self.issuer.fault = dead
        elif what == "well":
            self.issuer.fault = lambda _: None
        elif what == "rotate":
            self.generation += 1
            self.issuer.add_key(f"k-{self.generation}")
        else:
            self.clock.advance(where)

    def check(self) -> None:
        """Good tokens are let in or 503, forged ones never let in, and nothing is a 500."""
        lasting = {"iat": 1, "exp": 4_000_000_000}
        for ask in (by_asgi, by_wsgi):
            old = ask(self.verifier, f"Bearer {self.issuer.token(**lasting)}".encode())
            assert old.status in {200, 503}
            self.was_ready = self.was_ready or old.status == 200
            forged = ask(self.verifier, f"Bearer {self.forger.token(**lasting)}".encode())
            assert forged.status == (401 if old.status == 200 else 503)
            newest = self.issuer.token(f"k-{self.generation}", **lasting)
            # Its key may be younger than the last look at the keys: then it is 401 for seconds.
            assert ask(self.verifier, f"Bearer {newest}".encode()).status in {200, 401, 503}
            assert ask(self.verifier, b"Bearer x").status in {401, 503}


@given(STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_the_issuer_does_nobody_is_let_in_wrongly_and_nothing_is_500(
    steps: list[Any],
) -> None:
    history = History()
    with history.verifier:
        for step in steps:
            history.take(step)
            history.check()
        history.take(("well", None, None))
        history.take(("wait", 60, None))
        history.check()
        assert history.was_ready


def test_key_sets_that_are_refused_say_why_in_one_line() -> None:
    with pytest.raises(UnusableKeysError) as caught:
        read_key_set(b'{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}', frozenset({"ES256"}))
    assert "\n" not in str(caught.value)
    assert "c2VjcmV0" not in str(caught.value)

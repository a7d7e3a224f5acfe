"""Which published keys are taken, and which are left out."""

import json
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from ostiary.verify.keys.algorithms import FOR_KEYS, public_key_of
from ostiary.verify.keys.key_set import KEYS_MAX, KeySet, UnusableKeysError, read_key_set
from tests.unit.verify.issuer import encoded

ALL = frozenset(FOR_KEYS)
EC = ECKey.generate_key("P-256").as_dict(private=False)
RSA = RSAKey.generate_key(2048).as_dict(private=False)


def read(*entries: Any, algorithms: frozenset[str] = ALL) -> KeySet:
    return read_key_set(json.dumps({"keys": [*entries]}).encode(), algorithms)


@pytest.mark.parametrize(
    "entry",
    [
        EC | {"use": "enc"},
        EC | {"key_ops": ["sign"]},
        EC | {"key_ops": "verify"},
        EC | {"kid": 7},
        EC | {"kid": "x" * 300},
        EC | {"alg": "RS256"},
        EC | {"alg": 7},
        EC | {"alg": "none"},
        EC | {"crv": "secp256k1"},
        EC | {"crv": ["P-256"]},
        EC | {"x": 7},
        {name: value for name, value in EC.items() if name != "y"},
        RSA | {"kty": "rsa"},
        RSA | {"kty": ["RSA"]},
        OctKey.generate_key(256).as_dict(private=True),
        OKPKey.generate_key("X25519").as_dict(private=False),
        OKPKey.generate_key("Ed448").as_dict(private=False),
        "key",
        None,
        7,
        [],
    ],
)
def test_what_is_no_key_to_verify_with_is_left_out(entry: Any) -> None:
    assert len(read(entry, EC | {"kid": "good"})) == 1
    with pytest.raises(UnusableKeysError, match="none of the 1 keys"):
        read(entry)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"<html>", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "no array `keys`"),
        (b'{"keys": {}}', "no array `keys`"),
        (b'{"keys": []}', "none of the 0 keys"),
        (b'{"keys": [], "keys": []}', "repeated name"),
        (b'{"keys": ' + b"[" * 100_000, "not JSON"),
        (json.dumps({"keys": [1] * (KEYS_MAX + 1)}).encode(), "more than 5000 keys"),
    ],
)
def test_a_document_that_is_no_key_set_is_refused_as_a_whole(content: bytes, said: str) -> None:
    with pytest.raises(UnusableKeysError, match=said):
        read_key_set(content, ALL)


def test_thousands_of_keys_are_found_and_none_is_made_before_it_is_named() -> None:
    public_key_of.cache_clear()
    keys = read(*(EC | {"kid": f"k-{number}"} for number in range(KEYS_MAX)))
    assert len(keys) == KEYS_MAX
    assert public_key_of.cache_info().currsize == 0
    (found,) = keys.named("k-4999")
    assert found.verifies("ES256", b"message", b"signature") is False
    assert public_key_of.cache_info().currsize == 1


def test_a_key_is_for_the_algorithm_that_it_names_and_for_no_other() -> None:
    (named,) = read(RSA | {"kid": "k", "alg": "PS256"}).named("k")
    assert named.algorithms == {"PS256"}
    (unnamed,) = read(RSA | {"kid": "k"}).named("k")
    assert unnamed.algorithms == {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}
    (limited,) = read(RSA | {"kid": "k"}, algorithms=frozenset({"RS256"})).named("k")
    assert limited.algorithms == {"RS256"}


def test_a_good_signature_of_another_algorithm_is_none_of_the_keys() -> None:
    private = RSAKey.generate_key(2048)
    signature = JWSRegistry.algorithms["RS256"].sign(b"message", private)
    entry = private.as_dict(private=False) | {"kid": "k"}
    (named,) = read(entry | {"alg": "PS256"}).named("k")
    assert named.verifies("RS256", b"message", signature) is False
    (unnamed,) = read(entry).named("k")
    assert unnamed.verifies("RS256", b"message", signature) is True


def test_a_signature_of_two_numbers_has_one_length() -> None:
    """A zero in front of the second number leaves the number as it is."""
    private = ECKey.generate_key("P-256")
    signature = JWSRegistry.algorithms["ES256"].sign(b"message", private)
    (key,) = read(private.as_dict(private=False) | {"kid": "k"}).named("k")
    assert key.verifies("ES256", b"message", signature) is True
    assert key.verifies("ES256", b"message", signature[:32] + b"\0" + signature[32:]) is False


@pytest.mark.parametrize("name", ["EdDSA", "Ed25519"])
def test_both_names_of_ed25519_are_one_algorithm(name: str) -> None:
    entry = OKPKey.generate_key("Ed25519").as_dict(private=False)
    (key,) = read(entry | {"kid": "k", "alg": name}).named("k")
    assert key.algorithms == {"EdDSA", "Ed25519"}


def test_private_numbers_that_somebody_published_are_not_kept() -> None:
    private = ECKey.generate_key("P-256").as_dict(private=True)
    (key,) = read(private | {"kid": "k"}).named("k")
    assert private["d"] not in key.parameters


@pytest.mark.parametrize(
    "numbers",
    [
        {"n": encoded(b"\xff" * 128)},
        {"n": encoded(b"\xff" * 1500)},
        {"n": "A" * 500_000},
        {"n": "??"},
        {"n": "ä"},
        {"e": encoded(b"\xff" * 256)},
        {"e": encoded(b"\x02")},
        {"e": ""},
    ],
)
def test_an_rsa_key_of_a_size_that_cannot_be_verifies_nothing(numbers: dict[str, str]) -> None:
    (key,) = read(RSA | {"kid": "k"} | numbers).named("k")
    assert public_key_of(key.parameters) is None
    assert key.verifies("RS256", b"message", b"x" * 256) is False


@pytest.mark.parametrize("numbers", [{"x": encoded(b"\x01" * 32)}, {"x": ""}, {"y": "?"}])
def test_a_point_that_is_not_on_the_curve_verifies_nothing(numbers: dict[str, str]) -> None:
    (key,) = read(EC | {"kid": "k"} | numbers).named("k")
    assert key.verifies("ES256", b"message", b"x" * 64) is False


def test_keys_of_two_kinds_may_share_an_id() -> None:
    keys = read(EC | {"kid": "k"}, RSA | {"kid": "k"}, EC | {"kid": "k"})
    assert [min(key.algorithms) for key in keys.named("k")] == ["ES256", "PS256"]

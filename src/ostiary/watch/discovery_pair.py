"""Discovery and keys at two versions of any OpenID provider, compared.

The check of `relying_party.provider` is strict, for a provider whose promises are known. Here the
stable version says what there has to be: what it offers, applications use.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ostiary.watch.own_journeys.walk import BODY_BYTES_MAX, Place
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.wire import Wire

_OK: Final = 200
_SECONDS_MAX: Final = 5.0
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Parts of private and symmetric keys (RFC 7518, section 6)."""

_LISTS: Final = (
    "response_types_supported",
    "grant_types_supported",
    "scopes_supported",
    "code_challenge_methods_supported",
    "id_token_signing_alg_values_supported",
    "token_endpoint_auth_methods_supported",
)
"""What applications have chosen from (OIDC Discovery 1.0, section 3; RFC 8414, section 2)."""


@dataclass(frozen=True, slots=True)
class Published:
    """What one version publishes: its document, and its keys (RFC 7517)."""

    document: Mapping[str, object]
    keys: tuple[Mapping[str, object], ...]

    @property
    def key_ids(self) -> frozenset[str]:
        """Return the ids of the keys; one without an id has its content."""
        return frozenset(map(_key_id, self.keys))


async def published_at(place: Place, *, seen: set[str] | None = None) -> Published:
    """Return what is published at a place; raises `StepFailedError` where it cannot be used.

    `seen` collects the strata that answered.
    """
    wire = Wire(place.target, place.transport, seconds_max=_SECONDS_MAX, seen=seen)
    answer = await wire.send("discovery", "GET", discovery_path(place))
    document = _object(answer)
    # OIDC Discovery, section 4.3: the issuer must be exactly the one that was asked.
    answer.require(
        document.get("issuer") == place.target.issuer,
        f"the issuer {place.target.issuer}",
        got=f"the issuer {_shown(document.get('issuer'))}",
        kind=FailureKind.WRONG_CONTENT,
    )
    location = document.get("jwks_uri")
    answer.require(
        isinstance(location, str) and place.target.owns(location),
        "jwks_uri at the issuer",
        got="none, or elsewhere",
        kind=FailureKind.WRONG_CONTENT,
    )
    keys = await wire.send("keys", "GET", str(location))
    return Published(document, _keys(keys))


def discovery_path(place: Place) -> str:
    """Return the path of the discovery document (OIDC Discovery 1.0, section 4)."""
    return f"{urlsplit(place.target.issuer).path.rstrip('/')}/.well-known/openid-configuration"


def discovery_stratum(place: Place) -> str:
    """Return the stratum in which what is published counts."""
    routes = place.target.routes
    return (routes and routes.class_of("GET", discovery_path(place))) or "discovery"


def require_as_before(published: Published, stable: Published, place: Place) -> None:
    """Raise `StepFailedError` where something is missing that the stable version publishes.

    A key that is missing makes every token invalid that was signed by it and is still in use.
    """
    if lost := stable.key_ids - published.key_ids:
        _missing(place, "keys", f"the {len(lost)} published keys of the stable version", lost)
    for name in sorted(stable.document.keys() - published.document.keys()):
        if name.endswith(("_endpoint", "_uri")):
            _missing(place, "discovery", f"{name}, which the stable version has", {name})
    for name in _LISTS:
        gone = _words(stable.document.get(name)) - _words(published.document.get(name))
        if gone:
            _missing(place, "discovery", f"all {name} of the stable version", gone)


def _object(answer: Answer) -> Mapping[str, object]:
    answer.require(answer.status == _OK, "a JSON object with HTTP 200")
    answer.require(
        len(answer.body) <= BODY_BYTES_MAX,
        f"a body of at most {BODY_BYTES_MAX} bytes",
        got="a larger one",
        kind=FailureKind.WRONG_CONTENT,
    )
    return answer.json()


def _keys(answer: Answer) -> tuple[Mapping[str, object], ...]:
    """Return the keys of a JWK set (RFC 7517)."""
    entries = _object(answer).get("keys")
    usable = isinstance(entries, list) and entries and all(isinstance(e, dict) for e in entries)
    wrong = FailureKind.WRONG_CONTENT
    answer.require(bool(usable), "a set of keys", got="none, or something else", kind=wrong)
    keys = entries if isinstance(entries, list) else []
    private = any(_PRIVATE.intersection(each) for each in keys)
    answer.require(not private, "public keys", got="a private key", kind=wrong)
    return tuple(keys)


def _key_id(key: Mapping[str, object]) -> str:
    kid = key.get("kid")
    if isinstance(kid, str):
        return kid
    plain = {name: value for name, value in key.items() if isinstance(value, str)}
    return json.dumps(plain, sort_keys=True)


def _words(value: object) -> set[str]:
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()


def _shown(value: object) -> str:
    """Return what a version has published, in a form that any log can take."""
    return ascii(value[:120]) if isinstance(value, str) else "none, or no text"


def _missing(place: Place, step: str, expected: str, lost: frozenset[str] | set[str]) -> None:
    shown = ", ".join(ascii(each[:60]) for each in sorted(lost)[:3])
    raise StepFailedError(
        step=step,
        kind=FailureKind.WRONG_CONTENT,
        expected=expected,
        got=f"none of {shown}" if len(lost) == 1 else f"without {shown}",
        stratum=discovery_stratum(place),
        target=place.target.name,
    )

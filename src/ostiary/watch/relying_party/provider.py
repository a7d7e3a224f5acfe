"""What the provider says about itself: discovery (OIDC Discovery 1.0) and its keys."""

from dataclasses import dataclass

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.keys import ALGORITHMS, BadKeySetError, KeyRing
from ostiary.watch.relying_party.wire import Wire

_DISCOVERY_PATH = "/.well-known/openid-configuration"
_OK = 200


@dataclass(frozen=True, slots=True)
class Provider:
    """The provider's endpoints as it published them, and its keys at the time of asking.

    `algorithms` are those by which it says that it signs.
    """

    issuer: str
    authorization: str
    token: str
    userinfo: str
    introspection: str
    end_session: str
    jwks: str
    algorithms: frozenset[str]
    keys: KeyRing

    @property
    def flags(self) -> str:
        """Return where flags are evaluated: OFREP fixes the path below the service's address."""
        return f"{self.issuer.rstrip('/')}/ofrep/v1/evaluate/flags"


async def discover(wire: Wire) -> Provider:
    """Fetch discovery and keys; raises `StepFailedError` where they are not fit for a login."""
    answer = await wire.send("discovery", "GET", _DISCOVERY_PATH)
    answer.require(answer.status == _OK, "the discovery document with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    document = answer.json()
    issuer = wire.target.issuer
    # OIDC Discovery, section 4.3: the issuer must be exactly the one that was asked.
    answer.require(
        document.get("issuer") == issuer,
        f"the issuer {issuer}",
        got=f"the issuer {str(document.get('issuer'))[:120]!r}",
        kind=FailureKind.WRONG_CONTENT,
    )
    _require_s256(answer, document.get("code_challenge_methods_supported"))
    jwks = _endpoint(wire, answer, "jwks_uri")
    return Provider(
        issuer=issuer,
        authorization=_endpoint(wire, answer, "authorization_endpoint"),
        token=_endpoint(wire, answer, "token_endpoint"),
        userinfo=_endpoint(wire, answer, "userinfo_endpoint"),
        introspection=_endpoint(wire, answer, "introspection_endpoint"),
        end_session=_endpoint(wire, answer, "end_session_endpoint"),
        jwks=jwks,
        algorithms=_algorithms(answer, document.get("id_token_signing_alg_values_supported")),
        keys=await fetch_keys(wire, jwks),
    )


async def fetch_keys(wire: Wire, location: str) -> KeyRing:
    """Fetch the published keys; raises `StepFailedError` where they cannot verify anything."""
    answer = await wire.send("jwks", "GET", location)
    answer.require(answer.status == _OK, "the key set with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    try:
        return KeyRing.parse(answer.json())
    except BadKeySetError as error:
        answer.fail("a usable key set", got=str(error), kind=FailureKind.WRONG_CONTENT)


def _endpoint(wire: Wire, answer: Answer, name: str) -> str:
    value = answer.json().get(name)
    answer.require(
        isinstance(value, str) and wire.target.owns(value),
        f"{name} at the issuer",
        got=f"{name} missing or elsewhere",
        kind=FailureKind.WRONG_CONTENT,
    )
    return str(value)


def _algorithms(answer: Answer, listed: object) -> frozenset[str]:
    """Return the algorithms that the provider says it signs by (OIDC Discovery, section 3)."""
    names = frozenset(str(name) for name in listed) if isinstance(listed, list) else frozenset()
    answer.require(
        bool(names & ALGORITHMS) and "none" not in names,
        f"signing algorithms, such as {', '.join(sorted(ALGORITHMS))}",
        got="another list",
        kind=FailureKind.WRONG_CONTENT,
    )
    return names


def _require_s256(answer: Answer, methods: object) -> None:
    answer.require(
        isinstance(methods, list) and "S256" in methods,
        "S256 among the code challenge methods",
        got="another list",
        kind=FailureKind.WRONG_CONTENT,
    )

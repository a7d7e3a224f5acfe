"""What a verifier is told, checked when it is made: a mistake is found at start, not by a user."""

import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Required, TypedDict
from urllib.parse import urlsplit

from ostiary.verify.errors import ConfigurationError
from ostiary.verify.keys.algorithms import DEFAULT, FOR_KEYS
from ostiary.verify.keys.discovery import problem_of_address
from ostiary.verify.keys.state import Pace
from ostiary.verify.tokens.claims import Expected

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_RANGES: dict[str, tuple[float, float]] = {
    "leeway_seconds": (0, 300),
    "stale_seconds": (0, 604_800),
    "fetch_seconds": (0.1, 60),
    "wait_seconds": (0, 60),
    "unknown_key_seconds": (1, 3_600),
    "token_bytes_max": (256, 65_536),
    "seen_tokens_max": (0, 1_000_000),
}
_WHOLE = ("token_bytes_max", "seen_tokens_max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How tokens are checked and keys are kept.

    `issuer` is compared letter by letter, with `iss` and with the metadata. A token has to be for
    one of `audience`. `jwks_uri` is where the keys are, for an issuer without metadata.
    `roles_claim` is the claim with the roles, or the way to it, name by name.

    `stale_seconds` is how long keys count that can no longer be refreshed, `unknown_key_seconds`
    how often at most tokens with unknown key ids make them be fetched again, `fetch_seconds` how
    long one document may take, and `wait_seconds` how long a request waits for keys that it lacks.
    `allow_http` lets an issuer that is not on this machine be reached without TLS. `tls` is for an
    issuer with a certificate of a private authority. Raises `ConfigurationError`, once for all
    mistakes.
    """

    issuer: str
    audience: str | Sequence[str]
    algorithms: str | Sequence[str] = DEFAULT
    jwks_uri: str | None = None
    roles_claim: str | Sequence[str] = "roles"
    leeway_seconds: float = 5
    stale_seconds: float = 86_400
    fetch_seconds: float = 5
    wait_seconds: float = 2
    unknown_key_seconds: float = 10
    token_bytes_max: int = 8_192
    seen_tokens_max: int = 4_096
    allow_http: bool = False
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        problems = list(self._problems())
        if problems:
            raise ConfigurationError("Tokens cannot be verified so: " + "; ".join(problems) + ".")

    @property
    def expected(self) -> Expected:
        """Return what tokens are compared with."""
        return Expected(
            self.issuer,
            frozenset(_listed(self.audience)),
            self.leeway_seconds,
            tuple(_listed(self.roles_claim)),
        )

    @property
    def accepted(self) -> frozenset[str]:
        """Return the algorithms that a token may be signed by."""
        return frozenset(_listed(self.algorithms))

    @property
    def pace(self) -> Pace:
        """Return how often the issuer is asked."""
        return Pace(stale_seconds=self.stale_seconds, unknown_key_seconds=self.unknown_key_seconds)

    def _problems(self) -> Iterator[str]:
        yield from self._problems_of_addresses()
        for name in ("audience", "algorithms", "roles_claim"):
            value = getattr(self, name)
            if not _are_texts(_listed(value)):
                yield f"{name} must be a text that is not empty, or several, not {_shown(value)}"
        if _are_texts(_listed(self.algorithms)):
            for name in _listed(self.algorithms):
                if name not in FOR_KEYS:
                    yield f"algorithms has {name!r}; there are {', '.join(FOR_KEYS)}"
        for name, bounds in _RANGES.items():
            yield from _problem_of_number(name, getattr(self, name), bounds)
        yield from _problem_of_type("allow_http", self.allow_http, bool, "True or False")
        if self.tls is not None:
            yield from _problem_of_type("tls", self.tls, ssl.SSLContext, "an ssl.SSLContext")

    def _problems_of_addresses(self) -> Iterator[str]:
        for name in ("issuer", "jwks_uri"):
            address = getattr(self, name)
            if address is None and name == "jwks_uri":
                continue
            if not isinstance(address, str):
                yield f"{name} must be an address such as https://login.example.com"
            elif (problem := problem_of_address(address, http=True)) is not None:
                yield f"{name} {problem}; it must be an address such as https://login.example.com"
            elif name == "issuer" and "?" in address:
                yield "issuer has a query (RFC 8414, section 2)"
            elif not self._may_be_reached(address):
                yield f"{name} is not https; allow_http=True lets anybody between choose the keys"

    def _may_be_reached(self, address: str) -> bool:
        parts = urlsplit(address)
        return parts.scheme == "https" or self.allow_http is True or parts.hostname in _LOOPBACK


class OptionValues(TypedDict, total=False):
    """What `Options` takes by name, for whoever passes it on."""

    issuer: Required[str]
    audience: Required[str | Sequence[str]]
    algorithms: str | Sequence[str]
    jwks_uri: str | None
    roles_claim: str | Sequence[str]
    leeway_seconds: float
    stale_seconds: float
    fetch_seconds: float
    wait_seconds: float
    unknown_key_seconds: float
    token_bytes_max: int
    seen_tokens_max: int
    allow_http: bool
    tls: ssl.SSLContext | None


def options_of(settings: Mapping[str, Any]) -> Options:
    """Return options by their names. Raises `ConfigurationError` for names that there are not."""
    names = [each.name for each in fields(Options)]
    unknown = sorted(str(name) for name in settings.keys() - set(names))
    missing = [name for name in ("issuer", "audience") if name not in settings]
    if unknown or missing:
        said = [f"there is no {name}; there are {', '.join(names)}" for name in unknown]
        said += [f"{name} is missing" for name in missing]
        raise ConfigurationError("Tokens cannot be verified so: " + "; ".join(said) + ".")
    return Options(**settings)


def _problem_of_type(name: str, value: object, wanted: type, words: str) -> Iterator[str]:
    if not isinstance(value, wanted):
        yield f"{name} must be {words}, not {_shown(value)}"


def _problem_of_number(name: str, value: object, bounds: tuple[float, float]) -> Iterator[str]:
    least, most = bounds
    whole = name in _WHOLE
    right = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    if not right or not least <= float(value) <= most:  # type: ignore[arg-type]
        kind = "a whole number" if whole else "a number"
        yield f"{name} must be {kind} from {least:g} to {most:g}, not {_shown(value)}"


def _listed(value: object) -> list[Any]:
    if isinstance(value, str):
        return [value]
    return list(value) if isinstance(value, Sequence | set | frozenset) else []


def _are_texts(values: list[Any]) -> bool:
    return bool(values) and all(isinstance(each, str) and each for each in values)


def _shown(value: object) -> str:
    """Return what stands there, where that is short, else its type."""
    text = repr(value)
    return text if len(text) <= 40 else type(value).__name__  # noqa: PLR2004

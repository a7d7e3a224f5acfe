"""The settings that say what a token is: its algorithm and whom it is for."""

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from ostiary.changes.setting_fields import as_tuple

_Name = Literal["ES256", "RS256", "EdDSA"]
ALGORITHMS: tuple[str, ...] = get_args(_Name)

_BY_SHARED_SECRET = frozenset({"HS256", "HS384", "HS512"})
_SAME_KEYS = {"ed25519": "EdDSA"}
_ELSEWHERE = frozenset({"ES384", "ES512", "RS384", "RS512", "PS256", "PS384", "PS512"})
_ALL = "Write ES256, RS256 or EdDSA."


def _explained(value: object) -> object:
    """Raise what to write instead for a text that names no algorithm of the list."""
    if isinstance(value, str) and value not in ALGORITHMS:
        raise PydanticCustomError("value_error", "{text}", {"text": _complaint(value)})
    return value


def _complaint(value: str) -> str:
    meant = _meant(value)
    if meant is not None:
        return f'"{value}" is not spelled as it stands in tokens. Write "{meant}"'
    upper = value.strip().upper()
    if upper == "NONE":
        return f"with none, nobody could tell a token from a forged one. {_ALL}"
    if upper in _BY_SHARED_SECRET:
        return f"with {upper}, whoever can check a token could also make one. {_ALL}"
    if upper in _ELSEWHERE:
        return f"{upper} is not available. {_ALL}"
    return f'"{value[:40]}" is no algorithm that tokens can be signed with. {_ALL}'


def _meant(value: str) -> str | None:
    """Return the algorithm that is spelled otherwise; None where none is."""
    plain = value.strip().lower()
    by_name = {name.lower(): name for name in ALGORITHMS}
    return by_name.get(plain, _SAME_KEYS.get(plain))


SigningAlgorithm = Annotated[_Name, BeforeValidator(_explained)]
"""An algorithm of the closed list, letter by letter (RFC 7515, section 4.1.1)."""

_Audience = Annotated[str, Field(min_length=1, max_length=500)]
Audiences = Annotated[tuple[_Audience, ...], Field(strict=False), BeforeValidator(as_tuple)]
"""Values of `aud`, compared letter by letter (RFC 7519, section 4.1.3)."""

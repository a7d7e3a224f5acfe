"""What the store holds that a release has to go on serving, as the admin API tells it.

Rehearsals make a probe of each. A client of each basic kind is tried in any case: somebody may
register the first one of it a minute later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

CODE: Final = "authorization_code"
REFRESH: Final = "refresh_token"
CLIENT_CREDENTIALS: Final = "client_credentials"

_FORMATS_MAX = 8
_KINDS_MAX = 8


@dataclass(frozen=True, slots=True)
class ClientKind:
    """How a client proves who it is, and what it may ask for.

    `own_audience` is whether its tokens are for an audience of its own, `own_scopes` whether it
    has scopes beyond the standard ones.
    """

    public: bool
    grants: frozenset[str]
    own_audience: bool
    own_scopes: bool = False

    def __str__(self) -> str:
        """Return the kind as a few words without spaces around them, for names of journeys."""
        words = ["public" if self.public else "confidential", *sorted(self.grants)]
        words += ["own_audience"] * self.own_audience + ["own_scopes"] * self.own_scopes
        return ",".join(words)


EVERYTHING: Final = ClientKind(
    public=False, grants=frozenset({CODE, REFRESH, CLIENT_CREDENTIALS}), own_audience=True
)
"""The kind of most probe clients: they take part in every journey."""

BASIC_KINDS: Final = (
    ClientKind(public=True, grants=frozenset({CODE, REFRESH}), own_audience=False),
    ClientKind(public=False, grants=frozenset({CODE, REFRESH}), own_audience=False),
    ClientKind(public=False, grants=frozenset({CLIENT_CREDENTIALS}), own_audience=False),
)


@dataclass(frozen=True, slots=True)
class InUse:
    """Formats of password hashes and kinds of clients, the commonest first; a bounded number."""

    hash_formats: tuple[str, ...] = ()
    client_kinds: tuple[ClientKind, ...] = BASIC_KINDS

    @classmethod
    def read(cls, document: Mapping[str, object]) -> "InUse":
        """Return what a replica has told; what cannot be understood counts as not told."""
        formats = [
            str(entry["format"])
            for entry in _entries(document.get("hash_formats"))
            if entry.get("can_be_probed") is True and "format" in entry
        ]
        told = [_kind(entry) for entry in _entries(document.get("client_kinds"))]
        kinds = dict.fromkeys([*BASIC_KINDS, *(kind for kind in told if kind.grants)])
        return cls(tuple(formats[:_FORMATS_MAX]), tuple(kinds)[:_KINDS_MAX])


def _entries(value: object) -> list[dict[str, object]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _kind(entry: Mapping[str, object]) -> ClientKind:
    grants = entry.get("grants")
    return ClientKind(
        public=entry.get("public") is True,
        grants=frozenset(map(str, grants)) if isinstance(grants, list) else frozenset(),
        own_audience=entry.get("own_audience") is True,
        own_scopes=entry.get("own_scopes") is True,
    )

"""Kinds of clients: what makes a difference to the code that serves them."""

from dataclasses import dataclass
from typing import Any

from ostiary.identity.clients.model import Client


@dataclass(frozen=True, slots=True)
class ClientKind:
    """What clients have in common: how they prove who they are, and what they may ask for.

    `own_audience` is whether their tokens are for an audience of their own, `own_scopes` whether
    they have scopes beyond the standard ones.
    """

    public: bool
    grants: tuple[str, ...]
    own_audience: bool
    own_scopes: bool

    @classmethod
    def of(cls, client: Client) -> "ClientKind":
        """Return the kind of a client."""
        return cls(
            public=client.is_public,
            grants=tuple(sorted(client.grants)),
            own_audience=client.audience is not None,
            own_scopes=bool(client.own_scopes),
        )

    def to_json(self, clients: int) -> dict[str, Any]:
        """Return the kind as JSON, with how many clients are of it."""
        return {
            "public": self.public,
            "grants": list(self.grants),
            "own_audience": self.own_audience,
            "own_scopes": self.own_scopes,
            "clients": clients,
        }

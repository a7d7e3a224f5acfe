"""Who sends a request, as their access token says."""

from dataclasses import dataclass, field
from typing import Any

from ostiary.verify.json_objects import read_object

PRINCIPAL_KEY = "ostiary.principal"
"""Where the middleware leaves the `Principal`: in the ASGI scope or the WSGI environment.

None stands there where nobody has to be known: on public paths, or without `required`.
"""


@dataclass(frozen=True, slots=True)
class Principal:
    """What a verified access token says (RFC 9068, section 2.2). It cannot be changed.

    `subject` is the user, or the client itself where it acts for nobody. `expires_at` is in Unix
    seconds. `payload` is what the token says, as JSON.
    """

    subject: str
    client_id: str
    scopes: frozenset[str]
    roles: frozenset[str]
    audiences: frozenset[str]
    expires_at: float
    payload: bytes = field(repr=False, compare=False)

    @property
    def claims(self) -> dict[str, Any]:
        """Return all that the token says. It is a copy each time, and the caller's to change."""
        return read_object(self.payload)

    @property
    def is_client(self) -> bool:
        """Return whether a client acts for itself, by client credentials."""
        return self.subject == self.client_id

    def has_scopes(self, *scopes: str) -> bool:
        """Return whether the token carries all of these scopes."""
        return self.scopes.issuperset(scopes)

    def has_role(self, *roles: str) -> bool:
        """Return whether the user holds at least one of these roles."""
        return not self.roles.isdisjoint(roles)

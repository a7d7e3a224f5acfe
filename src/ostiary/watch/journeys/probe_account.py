"""Who takes part in journeys: a user and a client of their own, and somebody with neither yet."""

import asyncio
from dataclasses import dataclass, field
from typing import Final

from ostiary.watch.journeys.in_use import CODE, EVERYTHING, ClientKind
from ostiary.watch.relying_party.registration import DEFAULT_SCOPE, Registration

DOMAIN: Final = "probe.invalid"
REDIRECT_URI: Final = f"https://{DOMAIN}/callback"
"""Never opened: the browser of a journey stops where it would leave the issuer (RFC 2606)."""

OWN_SCOPE: Final = "probe:read"
"""The one scope beyond the standard ones that probe clients may have."""

_PASSWORDS_AT_ONCE: Final = 2


@dataclass(frozen=True, slots=True)
class ProbeAccount:
    """One user and one client of their own, so that faults of either kind can show.

    `audience` is None where its tokens are for the default one; `subject` is how the store knows
    the user, None for one of whom only the form has heard. A public client has no secret, and one
    that only acts for itself has no user: then email and password are empty.
    Journeys that share an account enter its password under `turn`, two at a time: a service may
    take more than that for somebody who guesses, and be right.
    """

    email: str
    password: str = field(repr=False)
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str
    audience: str | None
    subject: str | None
    kind: ClientKind = EVERYTHING
    turn: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_PASSWORDS_AT_ONCE), repr=False, compare=False
    )

    @property
    def registration(self) -> Registration:
        """Return the client as the relying party needs it."""
        return Registration(
            client_id=self.client_id,
            client_secret=self.client_secret,
            redirect_uri=self.redirect_uri,
            audience=self.audience,
            scope=f"{DEFAULT_SCOPE} {OWN_SCOPE}" if self.kind.own_scopes else DEFAULT_SCOPE,
        )


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Somebody who has no account yet and will ask for one by the form."""

    email: str
    password: str = field(repr=False)


def registration_of(name: str, kind: ClientKind) -> dict[str, object]:
    """Return what is sent to register a probe client of a kind."""
    registration: dict[str, object] = {
        "client_id": name,
        "redirect_uris": [REDIRECT_URI] if CODE in kind.grants else [],
        "public": kind.public,
        "grants": sorted(kind.grants),
        "probe": True,
    }
    if kind.own_audience:
        registration["audience"] = f"urn:ostiary:{name}"
    if kind.own_scopes:
        standard = DEFAULT_SCOPE.split() if CODE in kind.grants else []
        registration["scopes"] = [*standard, OWN_SCOPE]
    return registration

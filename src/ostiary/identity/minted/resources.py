"""`POST /admin/snapshots/{snapshot}/revoke`: taking back all that a snapshot has minted."""

from dataclasses import asdict
from typing import Annotated

import falcon
from pydantic import BaseModel, ConfigDict, StringConstraints

from ostiary.identity.admin.bodies import read_body
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import Router
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.minted.revocation import MintedRevocation
from ostiary.kernel.outcomes import Outcome


class _Order(BaseModel):
    """Body of the request. Whoever asks again names the same `order`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    order: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    reason: Annotated[str, StringConstraints(max_length=4000)] = ""


def mount_minted(
    router: Router,
    revocation: MintedRevocation,
    ring: KeyRing,
    admin_token: AdminToken,
    *,
    snapshot: str,
) -> None:
    """Serve the route; `snapshot` is the replica's own, which it never takes back."""
    resource = _Revocation(revocation, ring, admin_token, snapshot=snapshot)
    router.add_route("/admin/snapshots/{snapshot}/revoke", resource)


class _Revocation:
    def __init__(
        self,
        revocation: MintedRevocation,
        ring: KeyRing,
        admin_token: AdminToken,
        *,
        snapshot: str,
    ) -> None:
        self._revocation = revocation
        self._ring = ring
        self._admin_token = admin_token
        self._snapshot = snapshot

    def on_post(self, request: falcon.Request, response: falcon.Response, snapshot: str) -> None:
        """Take it back, and go by the keys that are left from now on.

        Whoever wants it to be effective on all replicas asks each of them: the first one does it,
        the others find it done and read the keys anew.
        """
        self._admin_token.require(request)
        body = read_body(request, _Order)
        if snapshot == self._snapshot:
            raise ProblemError(
                409,
                Outcome.ALREADY_EXISTS,
                f"This replica serves {snapshot}; what it mints goes on counting.",
                hint="Roll its change back first.",
            )
        ended = self._revocation.revoke(snapshot, order=body.order, reason=body.reason)
        self._ring.reload()
        response.media = {"snapshot": snapshot, **asdict(ended)}

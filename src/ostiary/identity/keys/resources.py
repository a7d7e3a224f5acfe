"""`/admin/keys`: showing the signing keys, and rotating one that may have leaked."""

from dataclasses import asdict
from typing import Annotated, Any

import falcon
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import BODY_BYTES_MAX, Router
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.keys.claiming import KeyClaims
from ostiary.identity.keys.ring import KeyRing
from ostiary.kernel.outcomes import Outcome


class _Rotation(BaseModel):
    """Body of `POST /admin/keys/rotate`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    kid: Annotated[str, Field(max_length=200)] | None = None
    revoke: bool = False


def mount_keys(router: Router, ring: KeyRing, claims: KeyClaims, admin_token: AdminToken) -> None:
    """Serve the key part of the admin API."""
    router.add_route("/admin/keys", _Collection(claims, admin_token))
    router.add_route("/admin/keys/rotate", _RotationResource(ring, claims, admin_token))


class _Collection:
    """All keys there ever were."""

    def __init__(self, claims: KeyClaims, admin_token: AdminToken) -> None:
        self._claims = claims
        self._admin_token = admin_token

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List keys, the newest first; never a private part.

        `claimable_in_seconds` says, by algorithm, when a new snapshot could sign.
        """
        self._admin_token.require(request)
        response.media = {
            "keys": [asdict(record) for record in self._claims.records()],
            "claimable_in_seconds": self._claims.seconds_until_claimable(),
        }


class _RotationResource:
    """Rotation on demand."""

    def __init__(self, ring: KeyRing, claims: KeyClaims, admin_token: AdminToken) -> None:
        self._ring = ring
        self._claims = claims
        self._admin_token = admin_token

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Let the snapshot sign with another key, and withdraw the one before with `revoke`.

        Asked twice with the same `kid`, the second time changes nothing.
        """
        self._admin_token.require(request)
        body = _read(request)
        own = self._ring.own_key()
        kid = body.kid or (None if own is None else own.kid)
        if kid is None:
            raise ProblemError(503, Outcome.SIGNING_FAILED, "This snapshot holds no key yet.")
        signing = self._rotate(kid, revoke=body.revoke)
        if body.revoke:
            self._claims.revoke(kid)
        self._ring.reload()
        response.media = self._answer(kid, signing, revoked=body.revoke)

    def _rotate(self, kid: str, *, revoke: bool) -> str:
        """Return the id of the key that signs from now on."""
        own = next((one for one in self._claims.records() if one.kid == kid), None)
        if own is None or own.snapshot is None:
            raise ProblemError(
                404,
                Outcome.NOT_FOUND,
                "No snapshot has ever signed with a key of this id.",
                hint="`ostiary keys list` shows the keys.",
            )
        if own.snapshot != self._claims.snapshot:
            return self._of_another_snapshot(kid, revoke=revoke)
        held = self._claims.replace(kid, at_once=revoke)
        if held is None:
            raise ProblemError(
                409,
                Outcome.ALREADY_EXISTS,
                "No next key has been published for long enough to sign with.",
                hint="Try again after `jwks_max_age_seconds`, or add --revoke to take one anyway.",
            )
        return held.kid

    def _of_another_snapshot(self, kid: str, *, revoke: bool) -> str:
        """Return what this snapshot signs with: the other one claims its next key itself."""
        if not revoke:
            raise ProblemError(
                409,
                Outcome.ALREADY_EXISTS,
                "Another snapshot signs with this key; only the last good one's is rotated here.",
                hint="Add --revoke to withdraw it; a snapshot that runs then claims another.",
            )
        own = self._ring.own_key()
        return kid if own is None else own.kid

    def _answer(self, kid: str, signing: str, *, revoked: bool) -> dict[str, Any]:
        return {
            "kid": kid,
            "snapshot": self._claims.snapshot,
            "signing": signing,
            "revoked": revoked,
        }


def _read(request: falcon.Request) -> _Rotation:
    try:
        return _Rotation.model_validate_json(request.bounded_stream.read(BODY_BYTES_MAX) or b"{}")
    except ValidationError:
        raise ProblemError(
            400,
            Outcome.INVALID_REQUEST,
            "The JSON body could not be understood.",
            hint="Known keys: kid (text) and revoke (true or false).",
        ) from None

"""Verifying access tokens, and noting on whose account a refusal goes."""

from ostiary.identity.keys.compact import MalformedTokenError, read_object, split
from ostiary.identity.keys.ring import KeyRing
from ostiary.identity.keys.verification import TokenRefusedError, TokenVerifier
from ostiary.identity.oauth.bearer import AccessToken, verify_access_token
from ostiary.identity.oauth.mint_counts import MintCounts, Shown
from ostiary.identity.oauth.mint_marks import MintMarks
from ostiary.kernel.outcomes import Outcome


class AccessTokens:
    """Verifies access tokens as `verify_access_token` does, and counts them by who minted them.

    A refusal counts where it is never normal: the token was minted here for this subject, has not
    expired, and is yet wrong by itself (its signature, key, type, issuer, or a claim). What became
    of its grant or its user since is not asked here.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        marks: MintMarks,
        counts: MintCounts,
        ring: KeyRing,
    ) -> None:
        """`ring` tells whose keys are published: these are the snapshots that can have minted."""
        self._verifier = verifier
        self._marks = marks
        self._counts = counts
        self._ring = ring

    def verify(self, token: str) -> AccessToken:
        """Return what a token says. Raises `TokenRefusedError`, `StoreUnavailableError`."""
        try:
            accepted = verify_access_token(self._verifier, token)
        except TokenRefusedError as error:
            if error.outcome is not Outcome.EXPIRED:
                self._count_refused(token)
            raise
        self._count(accepted.claims, Shown.ACCEPTED)
        return accepted

    def _count_refused(self, token: str) -> None:
        try:
            claims = read_object(split(token)[1])
        except MalformedTokenError:
            return
        self._count(claims, Shown.REFUSED)

    def _count(self, claims: dict[str, object], shown: Shown) -> None:
        subject = claims.get("sub")
        minters = {key.snapshot for key in self._ring.published() if key.snapshot is not None}
        minter = self._marks.minter_of(claims.get("jti"), subject, minters)
        if minter is not None:
            self._counts.count(minter, shown, str(subject))

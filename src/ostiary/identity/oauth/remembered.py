"""What is remembered of grants, for access tokens that are presented while the store is away.

An access token proves by its signature that its grant stood when it was issued. That counts for
the same limited time as what the store itself said of the grant. An application that checks tokens
by their signature alone accepts them for as long, or longer.
"""

from ostiary.identity.accounts.model import Account
from ostiary.identity.oauth.bearer import AccessToken
from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.identity.store.proofs import Proofs
from ostiary.kernel.clock import Clock, to_unix

_REVOKED_SECONDS = 86_400
"""Longest life of an access token that the settings allow: a revoked grant is known for as long."""


class RememberedGrants:
    """What the store said last of grants and of the accounts behind them. Thread-safe."""

    def __init__(self, clock: Clock, *, grace_seconds: int) -> None:
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._standing: Proofs[bool] = Proofs(clock, seconds=grace_seconds)
        self._accounts: Proofs[Account] = Proofs(clock, seconds=grace_seconds)
        self._revoked: Proofs[bool] = Proofs(clock, seconds=_REVOKED_SECONDS)

    def moment(self, token: AccessToken) -> int:
        """Return when it is, as far as `remember` needs to know; to be asked before the store."""
        return self._accounts.moment(token.subject)

    def remember(
        self, token: AccessToken, *, standing: bool, since: int, account: Account | None = None
    ) -> None:
        """Keep what the store said of a token's grant, asked at the moment `since`.

        Nothing is kept where the user was changed meanwhile: the answer may be from before.
        """
        if self.moment(token) != since:
            return
        if token.grant_id is not None:
            known, other = self._standing, self._revoked
            if not standing:
                known, other = other, known
            known.remember(token.grant_id, standing, since=known.moment(token.grant_id))
            other.forget(token.grant_id)
        if standing:
            self._revoked.forget(token.subject)
        if account is not None:
            self._accounts.remember(account.id, account, since=since)

    def forget(self, subject: str) -> None:
        """Trust nothing any more that was issued to this user or client."""
        self._accounts.forget(subject)
        self._revoked.remember(subject, value=True, since=self._revoked.moment(subject))

    def recall_account(self, user_id: str) -> Account:
        """Return a user as the store last described them.

        Raises `StoreUnavailableError` where that was too long ago.
        """
        account = self._accounts.recall(user_id)
        if account is None:
            raise StoreUnavailableError("the account was not asked for lately")
        return account

    def stands(self, token: AccessToken) -> bool:
        """Return whether the token's grant stands as far as is known.

        Raises `StoreUnavailableError` where nothing has proved it lately.
        """
        if token.grant_id is not None and self._revoked.recall(token.grant_id):
            return False
        if self._revoked.recall(token.subject) or self._revoked.recall(token.client_id):
            raise StoreUnavailableError("the user or client was changed lately")
        if token.grant_id is not None and self._standing.recall(token.grant_id):
            return True
        issued_at = token.claims.get("iat")
        age = to_unix(self._clock.now()) - issued_at if isinstance(issued_at, int) else None
        if age is not None and age <= self._grace_seconds:
            return True
        raise StoreUnavailableError("nothing was heard of the grant lately")

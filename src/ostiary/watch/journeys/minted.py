"""Whether what was minted is what this account should get, and what applications can check.

The relying party has verified the token by itself before this; here it is held against what the
store knows of the account, and against what last good publishes.
"""

from ostiary.watch.journeys.in_use import REFRESH
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.reference import Reference
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenSet
from ostiary.watch.relying_party.provider import Provider
from ostiary.watch.relying_party.tokens import AccessClaims, IdentityClaims


def require_own_claims(
    answer: Answer,
    account: ProbeAccount,
    claims: AccessClaims | IdentityClaims,
    *,
    for_itself: bool = False,
) -> None:
    """Require subject and email of the account, no roles, and its own audience for it alone.

    The subject of a client that acts `for_itself` is its own id (RFC 9068, section 2.2).
    """
    answer.require(
        (account.client_id if for_itself else account.subject) in {None, claims.subject},
        "the subject that the store has for this account",
        got="another subject",
        kind=FailureKind.WRONG_IDENTITY,
    )
    if isinstance(claims, IdentityClaims):
        answer.require(
            claims.email in {None, account.email},
            "the own email in the id token",
            got="another email",
            kind=FailureKind.WRONG_IDENTITY,
        )
    answer.require(
        not claims.roles,
        "no roles, as this account has none",
        got=f"{len(claims.roles)} roles",
        kind=FailureKind.WRONG_CONTENT,
    )
    if isinstance(claims, AccessClaims) and account.audience is not None:
        answer.require(
            claims.audiences == (account.audience,),
            "an access token for the client's own audience alone",
            got="one that is for others too",
            kind=FailureKind.WRONG_CONTENT,
        )


def require_refresh_token(answer: Answer, tokens: TokenSet, account: ProbeAccount) -> None:
    """Require a refresh token where the client may use one, and none where it may not."""
    may_refresh = REFRESH in account.kind.grants
    answer.require(
        (tokens.refresh_token is not None) == may_refresh,
        "a refresh token" if may_refresh else "no refresh token, as the client may not use one",
        got="one" if tokens.refresh_token else "none",
        kind=FailureKind.WRONG_CONTENT,
    )


def require_told_lifetime(answer: Answer, tokens: TokenSet, claims: AccessClaims) -> None:
    """Require an access token that lives as long as the answer says (RFC 6749, section 5.1)."""
    answer.require(
        claims.expires_at - claims.issued_at == tokens.expires_in,
        "an access token that lives as long as expires_in says",
        got="another time",
        kind=FailureKind.WRONG_CONTENT,
    )


def require_minted_as_before(
    answer: Answer,
    provider: Provider,
    reference: Reference | None,
    claims: AccessClaims | IdentityClaims,
) -> None:
    """Require an algorithm and a key that applications know, who may have asked last good."""
    lists = {"the discovery document": provider.algorithms}
    if reference is not None:
        lists["the discovery document of last good"] = reference.algorithms
    for name, algorithms in lists.items():
        answer.require(
            claims.algorithm in algorithms,
            f"a token signed by an algorithm in {name} ({', '.join(sorted(algorithms))})",
            got=f"one signed by {claims.algorithm}",
            kind=FailureKind.WRONG_CONTENT,
        )
    answer.require(
        reference is None or claims.kid in reference.key_ids,
        "a token signed with a key that last good publishes",
        got="one signed with a key that it does not publish",
        kind=FailureKind.WRONG_CONTENT,
    )

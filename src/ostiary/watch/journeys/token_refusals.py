"""Refusals of the back channel: what may not be redeemed, and what may not be accepted."""

import asyncio
from dataclasses import dataclass, field

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.forgery import forgeries, sign_with_foreign_key
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.refused import (
    require_bearer_error,
    require_inactive,
    require_oauth_error,
)
from ostiary.watch.journeys.sign_in import check_userinfo
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenClient, read_token_set
from ostiary.watch.relying_party.registration import Registration

_INVALID_GRANT = ("invalid_grant",)
_INVALID_CLIENT = ("invalid_client",)
_OK = 200
_POLL_SECONDS = 0.2
_GRACE_SECONDS = 3.0
"""How long after its time an expired token may still be accepted: clocks, and one slow answer."""


async def no_token(actor: Actor) -> None:
    """Without credentials userinfo answers 401 and says how to come back."""
    answer = await actor.client.userinfo(None, step="no_token")
    require_bearer_error(answer, outcome=OutcomeClass.PROTOCOL)


async def tampered_token(actor: Actor) -> None:
    """No forged version of a real access token is accepted anywhere; the real one still is."""
    login = await actor.login()
    for name, forged in forgeries(login.tokens.access_token, actor.provider.keys).items():
        require_bearer_error(await actor.client.userinfo(forged, step=f"tampered:{name}"))
        require_inactive(await actor.client.introspect(forged, step=f"tampered:{name}"))
    await check_userinfo(actor, login.tokens.access_token, login)


async def forged_token(actor: Actor) -> None:
    """Require that a token signed by nobody under a published key id is refused; no sign-in."""
    now = int(actor.site.clock.now().timestamp())
    kid, key = next(iter(actor.provider.keys.keys.items()))
    claims: dict[str, object] = {
        "iss": actor.provider.issuer,
        "aud": actor.registration.audience or actor.provider.issuer,
        "sub": "nobody",
        "client_id": actor.registration.client_id,
        "scope": actor.registration.scope,
        "jti": actor.site.rng.hex(8),
        "iat": now,
        "exp": now + 300,
    }
    header: dict[str, object] = {"alg": key.algorithm, "typ": "at+jwt", "kid": kid}
    forged = sign_with_foreign_key(header, claims)
    require_bearer_error(await actor.client.userinfo(forged, step="forged_token"))
    require_inactive(await actor.client.introspect(forged, step="forged_token"))


async def wrong_client_secret(actor: Actor) -> None:
    """Require that a client that cannot prove who it is gets nothing, at either endpoint."""
    own = actor.registration
    thief = Registration(
        own.client_id, actor.site.rng.token(24), own.redirect_uri, own.audience, own.scope
    )
    client = TokenClient(actor.wire, actor.provider, thief)
    answer = await client.exchange("no-such-code", "v" * 43, step="wrong_client_secret")
    require_oauth_error(answer, _INVALID_CLIENT)
    answer = await client.introspect("no-such-token", step="wrong_client_secret")
    require_oauth_error(answer, _INVALID_CLIENT)


async def wrong_verifier(actor: Actor) -> None:
    """Require that nobody redeems a code without its verifier (RFC 7636, section 4.6)."""
    request = actor.request()
    code = await actor.sign_in(actor.device(), request)
    answer = await actor.client.exchange(code, actor.request().verifier, step="wrong_verifier")
    require_oauth_error(answer, _INVALID_GRANT)


async def code_of_another_client(actor: Actor, other: Actor) -> None:
    """Require that only a code's own client redeems it (RFC 6749, section 4.1.3)."""
    request = actor.request()
    code = await actor.sign_in(actor.device(), request)
    answer = await other.client.exchange(code, request.verifier, step="code_of_another_client")
    require_oauth_error(answer, _INVALID_GRANT)


async def reused_code(actor: Actor) -> None:
    """Require that a reused code is refused and what it brought withdrawn (RFC 6749, 4.1.2)."""
    login = await actor.login()
    answer = await actor.client.exchange(login.code, login.request.verifier, step="reused_code")
    require_oauth_error(answer, _INVALID_GRANT)
    answer = await actor.client.refresh(login.refresh_token, step="refresh_after_reused_code")
    require_oauth_error(answer, _INVALID_GRANT)
    step = "introspect_after_reused_code"
    require_inactive(await actor.client.introspect(login.tokens.access_token, step=step))


async def reused_refresh(actor: Actor) -> None:
    """Require that a reused refresh token is refused and its family revoked (RFC 9700, 4.14.2).

    The token's successor is used before: until then, a service may take the second use for that
    of a client whose first answer was lost.
    """
    login = await actor.login()
    second = read_token_set(await actor.client.refresh(login.refresh_token))
    third = read_token_set(await actor.client.refresh(second.refresh_token or ""))
    answer = await actor.client.refresh(login.refresh_token, step="reused_refresh")
    require_oauth_error(answer, _INVALID_GRANT)
    answer = await actor.client.refresh(third.refresh_token or "", step="refresh_after_reuse")
    require_oauth_error(answer, _INVALID_GRANT)
    answer = await actor.client.introspect(third.access_token, step="introspect_after_reuse")
    require_inactive(answer)


@dataclass(frozen=True, slots=True)
class ShortLived:
    """An access token that ends soon, at `expires_at` in Unix seconds, and whose it is."""

    account: ProbeAccount
    token: str = field(repr=False)
    expires_at: float


async def mint_short_lived(actor: Actor) -> ShortLived:
    """Sign in for a token of a client whose tokens live shortly; raises `StepFailedError`."""
    login = await actor.login()
    return ShortLived(actor.account, login.tokens.access_token, login.access.expires_at)


async def expired_token(
    actor: Actor, *, leeway_seconds: float, minted: ShortLived | None = None
) -> None:
    """Require that an access token is refused once its time is over. Takes that long.

    It is one that was `minted` before, or one of the actor's own; the client's tokens must live
    shortly. A token may be accepted for `leeway_seconds` after its time, since clocks differ, and
    no longer.
    """
    minted = minted or await mint_short_lived(actor)
    token, expires_at = minted.token, minted.expires_at
    deadline = expires_at + leeway_seconds + _GRACE_SECONDS
    while True:
        now = actor.site.clock.now().timestamp()
        answer = await actor.client.userinfo(token, step="expired_token")
        if now >= expires_at and answer.status != _OK:
            break
        if now > deadline:
            answer.fail("a refusal of an expired token", kind=FailureKind.GRANTED)
        await asyncio.sleep(_POLL_SECONDS)
    require_bearer_error(answer)
    require_inactive(await actor.client.introspect(token, step="expired_token"))

"""What OAuth's best current practice (RFC 9700) forbids at the back channel, tried from outside.

Whatever is presented here is real, and presented in a wrong place, by a wrong client or in a wrong
way. Forged tokens are the matter of `token_refusals`.
"""

from urllib.parse import urlencode

from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.front_refusals import leave_for_nowhere
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.refused import (
    require_bearer_error,
    require_inactive,
    require_not_granted,
    require_oauth_error,
)
from ostiary.watch.relying_party.front_channel import ask_for_code
from ostiary.watch.relying_party.grants import read_token_set

_INVALID_GRANT = ("invalid_grant",)
_INVALID_CLIENT = ("invalid_client",)
_NO_SUCH_GRANT = ("unsupported_grant_type", "unauthorized_client", "invalid_request")
_UNHEARD_OF = 'urn:example:"\u00fc\\'
"""A grant type in characters that no error may repeat."""

_NO_VERIFIER = ("invalid_grant", "invalid_request")
_TWO_METHODS = ("invalid_request", "invalid_client")
_NARROW, _WIDE = "openid offline_access", "openid offline_access email"
_FORBIDDEN = 403


async def misused_tokens(actor: Actor, other: Actor) -> None:
    """Require that each token is good for one purpose, one audience and one client only.

    `other` is a client of another audience.
    """
    login = await actor.login()
    client, tokens = actor.client, login.tokens
    location = f"{actor.provider.userinfo}?{urlencode({'access_token': tokens.access_token})}"
    # Section 4.3.2: an address is kept in logs and histories.
    require_not_granted(await actor.wire.send("token_in_address", "GET", location))
    require_bearer_error(await client.userinfo(tokens.id_token or "", step="id_token_as_bearer"))
    require_bearer_error(await client.userinfo(login.refresh_token, step="refresh_token_as_bearer"))
    require_inactive(await client.introspect(tokens.id_token or "", step="id_token_introspected"))
    answer = await client.refresh(tokens.access_token, step="access_token_as_refresh_token")
    require_oauth_error(answer, _INVALID_GRANT)
    # Section 2.3: a token for one audience tells another one nothing.
    answer = await other.client.introspect(tokens.access_token, step="token_of_another_audience")
    require_inactive(answer)
    # Section 2.2.2: a refresh token belongs to the client that it was issued to.
    answer = await other.client.refresh(login.refresh_token, step="refresh_token_of_another_client")
    require_oauth_error(answer, _INVALID_GRANT)
    await _code_without_proof(actor, login)
    await _wider_scope(actor, login)
    await leave_for_nowhere(actor, login)


async def _code_without_proof(actor: Actor, login: Login) -> None:
    """Redeem codes without what must come with them (section 4.8.2; RFC 6749, section 4.1.3)."""
    parameters = {"grant_type": "authorization_code"}
    own = {"redirect_uri": actor.registration.redirect_uri}
    answer = await actor.client.token(
        "no_verifier", code=(await _code(actor, login))[0], **parameters, **own
    )
    require_oauth_error(answer, _NO_VERIFIER)
    code, verifier = await _code(actor, login)
    answer = await actor.client.token(
        "other_redirect_uri",
        code=code,
        code_verifier=verifier,
        redirect_uri=f"{actor.registration.redirect_uri}/other",
        **parameters,
    )
    require_oauth_error(answer, _INVALID_GRANT)


async def _wider_scope(actor: Actor, login: Login) -> None:
    """Refresh for more than was granted (RFC 6749, section 6)."""
    code, verifier = await _code(actor, login, scope=_NARROW)
    granted = read_token_set(await actor.client.exchange(code, verifier))
    answer = await actor.client.token(
        "wider_scope",
        grant_type="refresh_token",
        refresh_token=granted.refresh_token or "",
        scope=_WIDE,
    )
    require_oauth_error(answer, ("invalid_scope",))


async def _code(actor: Actor, login: Login, **changed: str | None) -> tuple[str, str]:
    """Return another code of the login's session, and its verifier."""
    request = actor.request()
    location = actor.location(request, **changed)
    arrived = await ask_for_code(login.browser, location, step="authorize_again")
    return actor.read_code(arrived, request), request.verifier


async def misused_clients(actor: Actor) -> None:
    """Require that a client proves who it is, in one way, and gets what it acts for (section 2.5).

    The secret is right each time; only how it is told is wrong. And no client takes passwords
    (section 2.4).
    """
    account, registration = actor.account, actor.registration
    wire, endpoint = actor.wire, actor.provider.token
    named = {"client_id": registration.client_id}
    secret = {"client_secret": registration.client_secret or ""}
    asked = {"grant_type": "client_credentials"}
    answer = await wire.send("no_secret", "POST", endpoint, form=[*{**asked, **named}.items()])
    require_oauth_error(answer, _INVALID_CLIENT)
    location = f"{endpoint}?{urlencode({**named, **secret})}"
    answer = await wire.send("secret_in_address", "POST", location, form=[*asked.items()])
    require_not_granted(answer)
    answer = await actor.client.token("two_methods", **asked, **named, **secret)
    require_oauth_error(answer, _TWO_METHODS)
    async with account.turn:
        answer = await actor.client.token(
            "password_grant",
            grant_type="password",
            username=account.email,
            password=account.password,
        )
    require_oauth_error(answer, _NO_SUCH_GRANT)
    answer = await actor.client.token("unheard_of_grant", grant_type=_UNHEARD_OF)
    require_oauth_error(answer, _NO_SUCH_GRANT)
    answer = await actor.client.token("client_credentials", **asked)
    alone = read_token_set(answer)
    # Without a user there is nobody to tell about (OIDC Core, section 5.3).
    about = await actor.client.userinfo(alone.access_token, step="userinfo_without_user")
    require_not_granted(about, statuses=(401, _FORBIDDEN))

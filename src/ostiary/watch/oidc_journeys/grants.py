"""Paths that must succeed: a person signs in, and the client acts for itself."""

from ostiary.watch.oidc_journeys.party import Login, Party, read_object, read_tokens
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenSet

_OK = 200


async def signing_in(party: Party) -> None:
    """Sign in, and use whatever was minted as an application would."""
    login = await party.sign_in()
    await check_userinfo(party, login.tokens, login.subject)
    if party.application.settings.introspection:
        await check_active(party, login.tokens)
    if party.application.settings.refresh:
        renewed = await refresh(party, login)
        await check_userinfo(party, renewed, login.subject, step="userinfo_after_refresh")


async def acting_for_itself(party: Party) -> None:
    """Let the client get a token for itself, and ask whether it is active."""
    tokens = await token_for_itself(party)
    if party.application.settings.introspection:
        await check_active(party, tokens, step="introspect_for_itself")


async def token_for_itself(party: Party) -> TokenSet:
    """Return what the client gets by client credentials (RFC 6749, section 4.4)."""
    answer = await party.client.token("client_credentials", grant_type="client_credentials")
    return read_tokens(answer)


async def check_userinfo(
    party: Party, tokens: TokenSet, subject: str, *, step: str = "userinfo"
) -> None:
    """Require the subject of the id token (OIDC Core, section 5.3.2), where there is userinfo.

    A signed answer, which some clients register for, is taken as one that came.
    """
    if not party.provider.endpoints.userinfo:
        return
    answer = await party.client.userinfo(tokens.access_token, step=step)
    answer.require(answer.status == _OK, "userinfo with HTTP 200")
    if answer.headers.get("content-type", "").startswith("application/jwt"):
        return
    answer.require(
        read_object(answer).get("sub") == subject,
        "the subject of the id token",
        got="another subject, or none",
        kind=FailureKind.WRONG_IDENTITY,
    )


async def check_active(party: Party, tokens: TokenSet, *, step: str = "introspect") -> None:
    """Require that an access token is active (RFC 7662, section 2.2)."""
    answer = await party.client.introspect(tokens.access_token, step=step)
    answer.require(answer.status == _OK, "introspection with HTTP 200")
    active = read_object(answer).get("active")
    # "Not active" is what applications take for a refusal, with whatever status it comes.
    kind = FailureKind.REFUSED if active is False else FailureKind.WRONG_CONTENT
    answer.require(active is True, "an active token", got="one that is not", kind=kind)


async def refresh(party: Party, login: Login, *, step: str = "refresh") -> TokenSet:
    """Redeem the refresh token, and require the same user in what comes (OIDC Core, 12.2)."""
    answer = await party.client.refresh(login.tokens.refresh_token or "", step=step)
    tokens = read_tokens(answer)
    if tokens.id_token is not None:
        subject = party.read_id_token(answer, tokens, nonce=None)
        answer.require(
            subject == login.subject,
            "the same subject after a refresh",
            got="another one",
            kind=FailureKind.WRONG_IDENTITY,
        )
    return tokens

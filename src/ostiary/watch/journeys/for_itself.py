"""A client that acts for itself (RFC 6749, section 4.4): no browser and no user."""

from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.introspected import require_active
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenClient, TokenSet, read_token_set


async def act_for_itself(
    actor: Actor, client: TokenClient | None = None, *, step: str = "client_credentials"
) -> tuple[Answer, TokenSet]:
    """Get tokens for the actor's client alone and verify them; return them with their answer."""
    client = client or actor.client
    answer = await client.token(step, grant_type="client_credentials")
    tokens = read_token_set(answer)
    actor.verify_access(answer, tokens, for_itself=True)
    answer.require(
        tokens.refresh_token is None and tokens.id_token is None,
        "an access token alone (RFC 6749, section 4.4.3)",
        got="other tokens beside it",
        kind=FailureKind.WRONG_CONTENT,
    )
    return answer, tokens


async def check_active_for_itself(
    actor: Actor, tokens: TokenSet, *, step: str = "introspect"
) -> None:
    """Introspection must call the token active and name the client as its subject."""
    await require_active(
        actor,
        tokens.access_token,
        subject=actor.account.client_id,
        whose="the client itself as the subject",
        step=step,
    )

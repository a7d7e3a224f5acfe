"""The journey of a client that acts for itself, without a user (RFC 6749, section 4.4)."""

from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.minted import require_minted_as_before
from ostiary.watch.relying_party.claims import TokenRejectedError
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import read_token_set
from ostiary.watch.relying_party.tokens import verify_access_token


async def client_credentials(actor: Actor) -> None:
    """Get a token by the client's secret alone, and verify it.

    Costs no password hash. Raises `StepFailedError`.
    """
    answer = await actor.client.token("client_credentials", grant_type="client_credentials")
    granted = read_token_set(answer)
    try:
        claims = verify_access_token(granted.access_token, actor.provider.keys, actor.expectation())
    except TokenRejectedError as error:
        answer.fail("a valid access token", got=str(error), kind=FailureKind.WRONG_CONTENT)
    require_minted_as_before(answer, actor.provider, actor.site.reference, claims)

"""What introspection must say of a token that was minted just now (RFC 7662, section 2.2)."""

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind

_OK = 200


async def require_active(
    actor: Actor, access_token: str, *, subject: str, whose: str, step: str
) -> Answer:
    """Return the answer that calls the token active and names `subject`, which is `whose`.

    Raises `StepFailedError`.
    """
    answer = await actor.client.introspect(access_token, step=step)
    answer.require(answer.status == _OK, "introspection with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    document = answer.json()
    answer.require(
        document.get("active") is True,
        "an active token",
        got="an inactive one",
        kind=FailureKind.REFUSED,
    )
    answer.require(
        document.get("sub") == subject,
        whose,
        got="another subject",
        kind=FailureKind.WRONG_IDENTITY,
    )
    return answer

"""Feature flags as applications ask for them (OFREP): all, one, and one that there is not."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Actor
from ostiary.watch.relying_party.errors import FailureKind

_OK: Final = 200
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_NO_FLAG: Final = "no-such-flag"


async def check_flags(actor: Actor, access_token: str) -> None:
    """Require that flags are evaluated, whichever there are; a release may know none."""
    answer = await actor.client.flags(access_token)
    if answer.status == _NOT_FOUND:
        actor.wire.seen.discard(answer.stratum)
        return
    answer.require(answer.status == _OK, "flags with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    flags = answer.json().get("flags")
    if not isinstance(flags, list) or not all(map(_is_evaluated, flags)):
        answer.fail(
            "a list of flags, each with its key, and a value or an error code",
            got="something else",
            kind=FailureKind.WRONG_CONTENT,
        )
    await _check_one(actor, access_token, flags)


async def _check_one(
    actor: Actor, access_token: str, flags: Sequence[Mapping[str, object]]
) -> None:
    """Require that a flag alone is told as the list tells it, and that others are not found.

    Who is drawn for a flag is drawn for good, so that two answers in a row agree. Some flags cannot
    be evaluated for a client that acts for itself, and does not say for whom.
    """
    for wanted, status in (("value", _OK), ("errorCode", _BAD_REQUEST)):
        for flag in [each for each in flags if each.get(wanted) is not None][:1]:
            answer = await actor.client.flags(access_token, str(flag["key"]), step="one_flag")
            answer.require(answer.status == status, f"one flag with HTTP {status}")
            answer.require(
                answer.json().get(wanted) == flag[wanted],
                f"the {wanted} that the list of all flags tells",
                got="another one",
                kind=FailureKind.WRONG_CONTENT,
            )
    answer = await actor.client.flags(access_token, _NO_FLAG, step="unknown_flag")
    answer.require(
        answer.status == _NOT_FOUND and answer.json().get("errorCode") == "FLAG_NOT_FOUND",
        "HTTP 404 with FLAG_NOT_FOUND for a flag that there is not (OFREP 0.3)",
    )
    answer.require_class(OutcomeClass.REFUSAL)


def _is_evaluated(flag: Any) -> bool:  # noqa: ANN401 - whatever the answer holds
    told = isinstance(flag, dict) and ("value" in flag or bool(flag.get("errorCode")))
    return told and "key" in flag

"""What the report says of a drill in words."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ostiary.drills.facts import DrillFacts
from ostiary.drills.mode import Mode
from ostiary.drills.order import DrillOrder

_MODES: Final = {
    (Mode.UNGUARDED, None): "The bad change simply replaces what was there, as in the outage; "
    "nobody intervenes.",
    (Mode.GUARDED, None): "It is proposed to the guard as any other change.",
    (
        Mode.GUARDED,
        "canary",
    ): "It is proposed past the check and the rehearsal, which refuse it, to "
    "show what protects users then.",
}
_INJECTED: Final = {
    Mode.UNGUARDED: "The fault is injected and later removed; the guard stands still meanwhile.",
    Mode.GUARDED: "The fault is injected and later removed; the guard does what it can meanwhile.",
}
_REQUEST: Final = re.compile(r", request [0-9a-f-]{36}")


def mode_in_words(order: DrillOrder) -> str:
    """Return what stood between the fault and the users."""
    if order.injects:
        return _INJECTED[order.mode]
    told = _MODES.get((order.mode, order.from_stage))
    return told or f"It is proposed to the guard from stage {order.from_stage} on."


def end_in_words(result: Mapping[str, Any]) -> str:
    """Return how a drill ended, such as `refused in check`, from its entry of `drill run`."""
    verdict, stage = result["verdict"], result["stage"]
    if verdict is None and result["void"]:
        return "-"
    if result["injected"]:
        return "removed"
    if result["mode"] == Mode.UNGUARDED.value and verdict in {None, "promoted"}:
        return "nobody stopped it"
    if verdict is None:
        return "undecided"
    return f"{verdict.replace('_', ' ')} in {stage}" if stage else verdict.replace("_", " ")


def reasons_heading(facts: DrillFacts) -> str:
    """Return what the reasons of the change are: nobody acts on those of one that is forced."""
    if facts.verdict == "promoted":
        return "What was seen, and nobody acted on"
    return "Why it ended there"


def told_once(reasons: Sequence[str]) -> list[str]:
    """Return reasons without the ids of requests, each once, and how often it came.

    Whoever looks for a request has the JSON of the drill; here the same failure of several
    accounts would stand there line after line.
    """
    counted = Counter(_REQUEST.sub("", reason) for reason in reasons)
    return [text if times == 1 else f"{text} ({times} times)" for text, times in counted.items()]

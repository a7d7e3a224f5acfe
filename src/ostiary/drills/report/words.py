"""What the report says of a drill in words."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from ostiary.drills.facts import DrillFacts
from ostiary.drills.mode import Mode

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
_REQUEST: Final = re.compile(r", request [0-9a-f-]{36}")


def mode_in_words(facts: DrillFacts) -> str:
    """Return what stood between the bad change and the users."""
    told = _MODES.get((Mode(facts.mode), facts.from_stage))
    return told or f"It is proposed to the guard from stage {facts.from_stage} on."


def end_in_words(mode: str, verdict: str | None, stage: str | None) -> str:
    """Return how it ended, such as `refused in check`."""
    if mode == Mode.UNGUARDED.value and verdict in {None, "promoted"}:
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

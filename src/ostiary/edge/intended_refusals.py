"""Refusals that a change intends: "tightens", as `route:outcome`.

A security fix may have to refuse what the last good version grants. Declared so, these refusals
are not asked again of the last good version, and they are no evidence of harm. Everything that is
not declared is watched as ever.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from ostiary.edge.route_classes import CLASS_NAMES
from ostiary.kernel.errors import UsageError
from ostiary.kernel.outcomes import Outcome, OutcomeClass, classify

REFUSALS = tuple(each.value for each in Outcome if classify(each) is OutcomeClass.REFUSAL)
"""The outcomes that can be intended: a refusal is an answer, a server fault never is."""


@dataclass(frozen=True, slots=True, order=True)
class IntendedRefusal:
    """On this class of routes, this outcome of the canary stands as it is."""

    route: str
    outcome: str

    def __str__(self) -> str:
        """Return it as it is written."""
        return f"{self.route}:{self.outcome}"

    @classmethod
    def parse(cls, text: str) -> "IntendedRefusal":
        """Return what `route:outcome` means; raises `UsageError` for anything else."""
        route, separator, outcome = text.strip().partition(":")
        if not separator:
            raise UsageError(
                "tightens_malformed",
                f"`{text}` names no route and outcome.",
                hint="Write ROUTE:OUTCOME, such as token:invalid_scope.",
            )
        _require(route, CLASS_NAMES, "route")
        _require(outcome, REFUSALS, "refusal")
        return cls(route, outcome)


EVERY_REFUSAL = tuple(IntendedRefusal(route, each) for route in CLASS_NAMES for each in REFUSALS)
"""What a declared security fix intends: only its availability is judged."""


def in_words(intended: Iterable[IntendedRefusal]) -> str:
    """Return refusals as they are written, in a stable order."""
    return ", ".join(str(each) for each in sorted(intended))


def _require(word: str, known: tuple[str, ...], what: str) -> None:
    if word in known:
        return
    close = get_close_matches(word, known, 1)
    meant = f"Did you mean {close[0]}? " if close else ""
    raise UsageError(
        "tightens_unknown",
        f"There is no {what} {word}.",
        hint=f"{meant}Possible: {', '.join(sorted(known))}.",
    )

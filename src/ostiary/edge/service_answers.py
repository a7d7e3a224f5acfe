"""What came of attempts at services beside identity: by status, since they say no outcome."""

from enum import StrEnum

from ostiary.edge.route_classes import is_service_class
from ostiary.kernel import outcomes
from ostiary.kernel.outcomes import Outcome, OutcomeClass


class ServiceAnswer(StrEnum):
    """What came of an attempt at a service, in the words of the edge's counters.

    `GOOD` is a complete answer of 200 to 399, `REFUSED` one of 400 to 499. `LEFT` is an attempt
    whose client went away before it ended, which says nothing about anybody. `FAILED` is all else.
    """

    GOOD = "good"
    REFUSED = "refused"
    LEFT = "left"
    FAILED = Outcome.OTHER.value


_MEANINGS = {
    ServiceAnswer.GOOD: OutcomeClass.OK,
    ServiceAnswer.REFUSED: OutcomeClass.REFUSAL,
    ServiceAnswer.LEFT: None,
    ServiceAnswer.FAILED: OutcomeClass.FAULT,
}


def read_answer(route_class: str, word: str) -> Outcome | ServiceAnswer:
    """Return what a counter's name says of an attempt, in the words of its route class."""
    if not is_service_class(route_class):
        return outcomes.parse(word)
    return ServiceAnswer(word) if word in tuple(ServiceAnswer) else ServiceAnswer.FAILED


def meaning(answer: Outcome | ServiceAnswer) -> OutcomeClass | None:
    """Return what an answer says about whoever gave it; None for nothing."""
    if isinstance(answer, ServiceAnswer):
        return _MEANINGS[answer]
    return outcomes.classify(answer)

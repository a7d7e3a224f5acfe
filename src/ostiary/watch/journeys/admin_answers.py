"""What answers of the admin API must be."""

from collections.abc import Mapping

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind

OK, CREATED, DONE = 200, 201, 204
NOT_FOUND, _CONFLICT = 404, 409

Document = Mapping[str, object]


def require_document(answer: Answer, status: int, expected: Document) -> Document:
    """Require an object that agrees with what is `expected`, whatever it holds besides."""
    answer.require(answer.status == status, f"HTTP {status}")
    answer.require_class(OutcomeClass.OK)
    document = answer.json()
    require_same(answer, document, expected)
    return document


def require_same(answer: Answer, found: Document, expected: Document) -> None:
    """Require that what was `found` in an answer agrees with what is `expected`."""
    different = [key for key, value in expected.items() if found.get(key) != value]
    answer.require(
        not different,
        f"the {', '.join(different)} of what was made",
        got="something else",
        kind=FailureKind.WRONG_CONTENT,
    )


def require_taken(answer: Answer) -> None:
    """Require that what is there already is not made again."""
    answer.require(answer.status == _CONFLICT, "HTTP 409 for what is there already")
    answer.require_class(OutcomeClass.REFUSAL)


def listed_entry(answer: Answer, kind: str, key: str, name: str) -> Document | None:
    """Return the entry of a list by its name; None where it has none."""
    entries = answer.json().get(kind)
    if not isinstance(entries, list):
        return None
    return next((each for each in entries if each.get(key) == name), None)

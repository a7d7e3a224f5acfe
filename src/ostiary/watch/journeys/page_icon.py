"""The picture that browsers ask for by themselves, and how long they need not ask again."""

import re

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind

_ICON_STATUSES = frozenset({200, 204})
_CACHE_DIRECTIVE = re.compile(
    r"public|private|no-cache|no-store|no-transform|(must|proxy)-revalidate|must-understand"
    r"|immutable|(s-maxage|max-age|stale-while-revalidate|stale-if-error)=\d+"
)
"""RFC 9111, section 5.2.2; RFC 5861; RFC 8246."""


def require_icon(answer: Answer) -> None:
    """Require the picture that browsers ask for by themselves, or that there is none.

    Caches must understand for how long that holds: there is a request for each page otherwise.
    """
    answer.require(answer.status in _ICON_STATUSES, "a picture with HTTP 200, or HTTP 204")
    answer.require_class(OutcomeClass.OK)
    told = answer.headers.get("cache-control", "")
    answer.require(
        all(_CACHE_DIRECTIVE.fullmatch(each.strip().lower()) for each in told.split(",")),
        "a Cache-Control of directives that caches know",
        got=f"Cache-Control: {told[:60]}",
        kind=FailureKind.WRONG_CONTENT,
    )

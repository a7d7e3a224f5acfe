"""What candidates do beside requests: keys, mail, housekeeping. No journey sees that it fails.

Its failure is no user's for weeks, until a key is to be rotated or the disk is full. Replicas log
it, in one line that begins with the name of the work. What fails at last good as well is no news.
"""

import re
from collections.abc import Iterable, Sequence

from ostiary.kernel.log_words import PERIODIC_WORK_FAILED
from ostiary.runtime.ports import Replica, Runtime
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport
from ostiary.watch.relying_party.errors import FailureKind

_LINES_MAX = 50
_NAME = re.compile(r'"name":\s*"([\w -]{1,40})"')
_LAST_WORDS = re.compile(r'\\n([A-Za-z_.]+(?:Error|Exception|Interrupt)\b[^"]{0,150})"')


def background_report(
    runtime: Runtime, candidates: Iterable[Replica], last_good: Sequence[Replica]
) -> JourneyReport:
    """Return which work failed at candidates that does not at last good, as failed journeys."""
    usual = {name for each in last_good for name in _failing(runtime, each)}
    failures = tuple(
        JourneyFailure(
            journey="background_work",
            step=name,
            expected="what is done beside requests to go on",
            got=said,
            request_id="",
            target=f"candidate {each.name}",
            stratum="other",
            # No second opinion is asked for it, so none hides it.
            kind=FailureKind.WRONG_CONTENT,
        )
        for each in candidates
        for name, said in _failing(runtime, each).items()
        if name not in usual
    )
    return JourneyReport(failures, frozenset(), frozenset(), seconds=0.0, journeys=1)


def _failing(runtime: Runtime, replica: Replica) -> dict[str, str]:
    """Return the names of the work that has failed lately, and the last words of each."""
    lines = runtime.log_tail(replica, _LINES_MAX, about=PERIODIC_WORK_FAILED)
    found = {}
    for line in lines:
        name, said = _NAME.search(line), _LAST_WORDS.search(line)
        if name is not None:
            found[name[1]] = "an exception" if said is None else said[1]
    return found

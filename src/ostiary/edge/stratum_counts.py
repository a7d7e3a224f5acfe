"""What counters mean for the arms: the numbers that evidence compares, per stratum.

A class of routes counts first attempts, and second ones that were good. A kind within a class must
count in another way, because only an answer says of which kind its request was, and an answer that
failed may have said nothing. Each request there is counted once, by the answer that nobody was
asked again after: the last good version's second opinion where there was one, and so a canary
cannot keep its failures out by leaving the kind out. Where it names kinds as the last good version
does, both arms count the same requests.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ostiary.edge.counter_keys import AttemptKey, FinalKey, SubjectKey
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.route_classes import Arm, Served
from ostiary.edge.service_answers import meaning
from ostiary.kernel.outcomes import OutcomeClass
from ostiary.kernel.request_kinds import stratum_name

_FAILED = ("5xx", "broken")
_CANARYS = (Arm.CANARY, Arm.PINNED)


@dataclass(frozen=True, slots=True)
class StratumCounts:
    """One arm of one stratum in raw numbers.

    `requests` are first attempts that reached the arm's own version; of these `faults` and
    `refusals` had such an outcome, where a missing or unknown one is a fault. `overturned` are
    second opinions that were good: failures that users did not see. `final_failures` are answers
    with a 5xx status and answers that broke off, which users did see; they are known per class
    only. In a kind, `requests` are those that the module's docstring tells. `disagreements` are
    overturned requests again, but so that subjects in one bucket count once. Services beside
    identity name no subject, so there each counts: a client cannot make one at will, since a
    request that last good refuses as well, or fails, is none.
    """

    requests: int = 0
    faults: int = 0
    refusals: int = 0
    overturned: int = 0
    final_failures: int = 0
    disagreements: int = 0


def count_strata(
    attempts: Mapping[AttemptKey, int],
    finals: Mapping[FinalKey, int],
    subjects: Mapping[SubjectKey, int],
    intended: frozenset[IntendedRefusal],
    classes: Collection[str],
) -> dict[tuple[str, str], StratumCounts]:
    """Return the numbers of each (stratum, arm) of these classes of routes that saw anything."""
    attempts = {key: count for key, count in attempts.items() if key.route_class in classes}
    finals = {key: count for key, count in finals.items() if key.route_class in classes}
    found: dict[tuple[str, str], Counter[str]] = {}
    for key, count in attempts.items():
        whole = found.setdefault((key.route_class, key.arm.value), Counter())
        for name in _in_class(key, intended):
            whole[name] += count
        if key.kind is not None:
            stratum = stratum_name(key.route_class, key.kind)
            part = found.setdefault((stratum, key.arm.value), Counter())
            for name in _in_kind(key, intended):
                part[name] += count
    for answer, count in finals.items():
        whole = found.setdefault((answer.route_class, answer.arm.value), Counter())
        if answer.status in _FAILED:
            whole["final_failures"] += count
    repeated = _repetitions(subjects)
    for place, numbers in found.items():
        numbers["disagreements"] = max(0, numbers["overturned"] - repeated[place])
    return {place: StratumCounts(**numbers) for place, numbers in found.items()}


def _repetitions(subjects: Mapping[SubjectKey, int]) -> Counter[tuple[str, str]]:
    """Return how many second opinions were good for a bucket that had one before, per stratum."""
    by_bucket: Counter[tuple[str, str, int]] = Counter()
    for key, count in subjects.items():
        by_bucket[key.route_class, key.arm.value, key.bucket] += count
        if key.kind is not None:
            stratum = stratum_name(key.route_class, key.kind)
            by_bucket[stratum, key.arm.value, key.bucket] += count
    repeated: Counter[tuple[str, str]] = Counter()
    for (stratum, arm, _), count in by_bucket.items():
        repeated[stratum, arm] += count - 1
    return repeated


def _in_class(key: AttemptKey, intended: frozenset[IntendedRefusal]) -> list[str]:
    if not key.first:
        return ["overturned"] if _is_good(key) else []
    if not _of_own_version(key) or meaning(key.outcome) is None:
        return []
    return ["requests", *_bad(key, intended)]


def _in_kind(key: AttemptKey, intended: frozenset[IntendedRefusal]) -> list[str]:
    if not key.first:
        return ["requests", "overturned"] if _is_good(key) else ["requests"]
    if not _of_own_version(key):
        return []
    bad = _bad(key, intended)
    return bad if _asked_again(key, bad) else ["requests", *bad]


def _bad(key: AttemptKey, intended: frozenset[IntendedRefusal]) -> list[str]:
    outcome = meaning(key.outcome)
    if outcome is OutcomeClass.FAULT:
        return ["faults"]
    is_intended = IntendedRefusal(key.route_class, key.outcome.value) in intended
    return ["refusals"] if outcome is OutcomeClass.REFUSAL and not is_intended else []


def _asked_again(key: AttemptKey, bad: list[str]) -> bool:
    """Return whether the edge asks another replica: refusals of the last good version stand."""
    if key.arm is Arm.PINNED:
        return False
    return bool(bad) if key.arm is Arm.CANARY else bad == ["faults"]


def _is_good(key: AttemptKey) -> bool:
    return meaning(key.outcome) in {OutcomeClass.OK, OutcomeClass.PROTOCOL}


def _of_own_version(key: AttemptKey) -> bool:
    return key.arm not in _CANARYS or key.served is Served.CANARY

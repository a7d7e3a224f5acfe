"""Which endings of a change take back all that its snapshot has minted.

A rollback changes routes; what a canary gave out stays good, so that nobody is signed out by a
release that was merely slow. Where the reason is that it gave out what it must not, that is taken
back: tokens with wrong content, those of somebody else, and what should have been refused.
"""

from collections.abc import Iterable

from ostiary.changes.actions import Action, RevokeMinted
from ostiary.changes.evidence.metrics import Metric
from ostiary.changes.model import Reason, Verdict
from ostiary.changes.state import ChangeState
from ostiary.kernel.request_kinds import class_of
from ostiary.watch.relying_party.errors import FailureKind

_MINTING = frozenset({"sign_in", "sign_up", "authorize", "token"})
"""The strata whose answers hold a session, a code or a token. Elsewhere nothing is given out."""

_WRONG = frozenset({FailureKind.WRONG_CONTENT, FailureKind.GRANTED})
_ENDS = frozenset({Verdict.REFUSED, Verdict.ROLLED_BACK})


def minted_wrong(reasons: Iterable[Reason]) -> Reason | None:
    """Return the reason that speaks of what was minted, or orders its revocation; None without.

    Of the evidence only the weightiest reason counts, where it is a wrong *yes*: a canary that
    fails everything refuses less as well, and has minted nothing wrong by that.
    """
    harm_seen = False
    for reason in reasons:
        is_first_harm = reason.code == "harm" and not harm_seen
        harm_seen = harm_seen or is_first_harm
        if reason.numbers.get("revoke") is True or _journey_saw_it(reason):
            return reason
        if is_first_harm and _is_wrong_yes(reason):
            return reason
    return None


def revoking(state: ChangeState) -> tuple[Action, ...]:
    """Return the action by which an ended change's snapshot loses what it has minted, if any.

    A change of the edge only has no replicas that could mint, and one that brings a good snapshot
    back must not take from users what that one gave them when it was good.
    """
    if state.verdict not in _ENDS or state.balance is not None or state.terms.restores:
        return ()
    because = minted_wrong(state.reasons)
    return () if because is None else (RevokeMinted(because.text),)


def _journey_saw_it(reason: Reason) -> bool:
    kind = reason.numbers.get("kind")
    return kind == FailureKind.WRONG_IDENTITY or (kind in _WRONG and _mints(reason))


def _is_wrong_yes(reason: Reason) -> bool:
    is_yes = reason.numbers.get("metric") == Metric.MISSING_REFUSALS
    return is_yes and _mints(reason)


def _mints(reason: Reason) -> bool:
    return class_of(str(reason.numbers.get("stratum", ""))) in _MINTING

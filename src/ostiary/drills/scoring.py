"""What a drill's ledger says: who was affected, for how long, and whether the run counts.

A pure function of the ledger and of what the control plane did. A user is affected when an action
that a correct service would grant fails, takes more than 5 s, or returns wrong content or
identity, as their client sees it, whatever the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ostiary.drills.ledger import Entry, Ledger
from ostiary.drills.outage_times import first_influence, restored_at

ACHIEVED_RATE_MIN: Final = 0.9
"""A run with less of the stated traffic says nothing about the service."""

_HARMED_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """What the runner and the control plane know; times are Unix seconds, None where not come to.

    `fault_at` is when the fault was let loose (the change proposed or forced), `first_hidden_at`
    the first failed attempt that a second opinion hid. `injected` is false where the fault could
    not be put into the release.
    """

    drill: str
    mode: str
    from_stage: str | None = None
    expected_cause: str | None = None
    stage: str | None = None
    verdict: str | None = None
    fault_at: float | None = None
    first_hidden_at: float | None = None
    hidden: int | None = None
    detected_at: float | None = None
    named_at: float | None = None
    top_cause: str | None = None
    rule_outs_true: int | None = None
    rule_outs_false: int | None = None
    rolled_back: bool = False
    injected: bool = True


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one drill. `void_reasons` is empty where the run counts."""

    facts: DrillFacts
    users_total: int
    users_affected: int
    actions_total: int
    actions_failed: int
    wrong_yes: int
    achieved_rate: float
    detected_after_s: float | None
    named_after_s: float | None
    restored_after_s: float | None
    void_reasons: tuple[str, ...]

    @property
    def void(self) -> bool:
        """Return whether the run says nothing about the service."""
        return bool(self.void_reasons)

    @property
    def correct(self) -> bool | None:
        """Return whether the cause named first was the right one; None where none was named."""
        if self.facts.top_cause is None:
            return None
        return self.facts.top_cause == self.facts.expected_cause

    def to_json(self) -> dict[str, object]:
        """Return the entry of `drill run` for this drill."""
        facts = self.facts
        return {
            "drill": facts.drill,
            "mode": facts.mode,
            "from": facts.from_stage,
            "expected_cause": facts.expected_cause,
            "stage": facts.stage,
            "verdict": facts.verdict,
            "users": {"total": self.users_total, "affected": self.users_affected},
            "actions": {
                "total": self.actions_total,
                "failed": self.actions_failed,
                "hidden": facts.hidden,
                "wrong_yes": self.wrong_yes,
            },
            "detected_after_s": _rounded(self.detected_after_s),
            "named_after_s": _rounded(self.named_after_s),
            "restored_after_s": _rounded(self.restored_after_s),
            "top_cause": facts.top_cause,
            "correct": self.correct,
            "rule_outs": {"true": facts.rule_outs_true, "false": facts.rule_outs_false},
            "rolled_back": facts.rolled_back,
            "void": self.void,
            "void_reasons": list(self.void_reasons),
        }


def score(ledger: Ledger, facts: DrillFacts) -> Score:
    """Return the score of one drill."""
    entries = ledger.entries
    t0 = first_influence(entries, facts.fault_at, facts.first_hidden_at)
    achieved = achieved_rate(ledger)
    return Score(
        facts=facts,
        users_total=len({entry.user for entry in entries if entry.grantable}),
        users_affected=len(affected_users(entries)),
        actions_total=len(entries),
        actions_failed=sum(not entry.ok for entry in entries),
        wrong_yes=sum(entry.wrong_yes for entry in entries),
        achieved_rate=achieved,
        detected_after_s=_after(t0, facts.detected_at),
        named_after_s=_after(t0, facts.named_at),
        restored_after_s=_after(t0, restored_at(ledger, t0, facts.fault_at)),
        void_reasons=_void_reasons(entries, facts, achieved),
    )


def affected_users(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the users to whom something was denied, or wrongly told, that was theirs."""
    return frozenset(entry.user for entry in entries if entry.grantable and not entry.ok)


def harmed(entries: Sequence[Entry], fault_at: float | None) -> list[str]:
    """Return a line for each of the first users who were harmed: what they wanted, what came."""
    first: dict[str, Entry] = {}
    for entry in entries:
        if entry.grantable and not entry.ok:
            first.setdefault(entry.user, entry)
    return [
        f"harmed: {entry.user}, {entry.action}{_when(entry, fault_at)}: {entry.came.value} after "
        f"{entry.ended - entry.intended:.1f} s {entry.detail}".rstrip()
        for entry in list(first.values())[:_HARMED_SHOWN]
    ]


def _when(entry: Entry, fault_at: float | None) -> str:
    if fault_at is None:
        return ""
    seconds = entry.started - fault_at
    side = "before" if seconds < 0 else "after"
    return f", {abs(seconds):.1f} s {side} the proposal"


def achieved_rate(ledger: Ledger) -> float:
    """Return the share of the stated sign-ins per second that was really started.

    A generator that could not keep up starts visits late or not at all; both lower the share. It
    is 0 where the generator died.
    """
    if ledger.ended_at is None or ledger.ended_at <= ledger.run.started_at:
        return 0.0
    started = len({entry.visit for entry in ledger.entries})
    return started / (ledger.run.rate * (ledger.ended_at - ledger.run.started_at))


def _void_reasons(entries: Sequence[Entry], facts: DrillFacts, achieved: float) -> tuple[str, ...]:
    from_canary = facts.mode == "guarded" and facts.from_stage == "canary"
    fault_at = facts.fault_at
    unseen = fault_at is not None and all(entry.started < fault_at for entry in entries)
    reasons = {
        "fault not injected": not facts.injected,
        "traffic below 90 % of its rate": achieved < ACHIEVED_RATE_MIN,
        "no traffic after the fault": unseen,
        "no hidden failed attempts": from_canary and not facts.hidden,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


def _after(t0: float | None, moment: float | None) -> float | None:
    """Return the seconds from t0 to a moment; what came even before counts as at once."""
    if t0 is None or moment is None:
        return None
    return max(0.0, moment - t0)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

"""What a drill's ledger says: who was affected, for how long, and whether the run counts.

A pure function of the ledger and of what the control plane did. A user is affected when an action
that a correct service would grant fails, takes more than 5 s, or returns wrong content or
identity, as their client sees it, whatever the reason.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ostiary.drills.facts import DrillFacts
from ostiary.drills.ledger import Entry, Ledger
from ostiary.drills.outage_times import first_influence, restored_at
from ostiary.drills.void_rules import void_reasons

_HARMED_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Score:
    """The result of one drill. `void_reasons` is empty where the run counts.

    `visits_during` are those that began while the fault was there, `visits_failed` those of them
    in which an action failed that was the user's due. `influenced_at` is when the first answer came
    that the fault influenced, in Unix seconds; None where it influenced none.
    """

    facts: DrillFacts
    users_total: int
    users_affected: int
    actions_total: int
    actions_failed: int
    wrong_yes: int
    achieved_rate: float
    visits_during: int
    visits_failed: int
    detected_after_s: float | None
    named_after_s: float | None
    restored_after_s: float | None
    void_reasons: tuple[str, ...]
    influenced_at: float | None = None

    @property
    def void(self) -> bool:
        """Return whether the run says nothing about the service."""
        return bool(self.void_reasons)

    @property
    def users_share(self) -> float:
        """Return the share of users who were affected."""
        return self.users_affected / max(self.users_total, 1)

    @property
    def visits_share(self) -> float:
        """Return the share of visits that failed, of those that began during the fault."""
        return self.visits_failed / max(self.visits_during, 1)

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
            "visits": {"during": self.visits_during, "failed": self.visits_failed},
            "reasons": [{"code": code, "text": text} for code, text in facts.reasons],
        }


def score(ledger: Ledger, facts: DrillFacts) -> Score:
    """Return the score of one drill."""
    entries = ledger.entries
    t0 = first_influence(entries, facts.fault_at, facts.first_hidden_at)
    restored = restored_at(ledger, t0, facts.fault_at)
    achieved = min(achieved_rate(ledger), facts.others_achieved)
    during = visits_between(entries, t0, restored)
    if facts.effect_at is not None:
        # Of what is injected it is known when it was there, and answers may only tell later.
        during = visits_between(entries, facts.effect_at, facts.removed_at)
    return Score(
        facts=facts,
        users_total=len({entry.user for entry in entries if entry.grantable}),
        users_affected=len(affected_users(entries)),
        actions_total=len(entries),
        actions_failed=sum(not entry.ok for entry in entries),
        wrong_yes=sum(entry.wrong_yes for entry in entries),
        achieved_rate=achieved,
        visits_during=len(during),
        visits_failed=sum(during.values()),
        detected_after_s=_after(t0, facts.detected_at),
        named_after_s=_after(t0, facts.named_at),
        restored_after_s=_after(t0, restored),
        void_reasons=void_reasons(entries, facts, achieved),
        influenced_at=t0,
    )


def affected_users(entries: Sequence[Entry]) -> frozenset[str]:
    """Return the users to whom something was denied, or wrongly told, that was theirs."""
    return frozenset(entry.user for entry in entries if entry.grantable and not entry.ok)


def visits_between(
    entries: Sequence[Entry], since: float | None, until: float | None
) -> dict[int, bool]:
    """Return the visits that began in between, or until the end, and which of them failed."""
    failed: dict[int, bool] = {}
    began: dict[int, float] = {}
    for entry in entries:
        start = began.setdefault(entry.visit, entry.intended)
        if since is None or start < since or (until is not None and start >= until):
            continue
        harmed_here = entry.grantable and not entry.ok
        failed[entry.visit] = failed.get(entry.visit, False) or harmed_here
    return failed


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
    return f", {abs(seconds):.1f} s {side} the fault"


def achieved_rate(ledger: Ledger) -> float:
    """Return the share of the stated sign-ins per second that was really started.

    A generator that could not keep up starts visits late or not at all; both lower the share. It
    is 0 where the generator died. Visits of others are not its own (`joined`).
    """
    if ledger.ended_at is None or ledger.ended_at <= ledger.run.started_at:
        return 0.0
    started = len({entry.visit for entry in ledger.entries if entry.visit >= 0})
    return started / (ledger.run.rate * (ledger.ended_at - ledger.run.started_at))


def _after(t0: float | None, moment: float | None) -> float | None:
    """Return the seconds from t0 to a moment; what came even before counts as at once."""
    if t0 is None or moment is None:
        return None
    return max(0.0, moment - t0)


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 3)

"""The drills that there are: which outage each replays, with which fault, and what is expected."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ostiary.drills.faults import SHARDED_LOOKUP, CodeFault
from ostiary.kernel.errors import UsageError

SHARE_TOLERANCE: Final = 0.10
"""How far the share of affected users may be from that of the outage that is replayed."""


class Mode(StrEnum):
    """What stands between the bad change and the users."""

    UNGUARDED = "unguarded"
    GUARDED = "guarded"
    ESCAPED = "escaped"


@dataclass(frozen=True, slots=True)
class Scenario:
    """One drill.

    `users` come at `rate` sign-ins per second. The fault is let loose after `visits_before`
    visits; traffic goes on for `seconds_after` once the change has ended. `outage_share` is the
    share of users that the replayed outage hit, `outage_minutes` how long it took to restore.
    """

    name: str
    title: str
    fault: CodeFault
    outage_share: float
    outage_minutes: int
    users: int = 60
    rate: float = 20.0
    visits_before: int = 100
    seconds_after: float = 15.0
    expected_cause: str = "change"


SCENARIOS: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            name="seed-000",
            title="A code deployment with a bug makes authentication requests fail",
            fault=SHARDED_LOOKUP,
            outage_share=0.75,
            outage_minutes=120,
        ),
    )
}
"""All drills by name."""


def find_scenarios(names: list[str]) -> list[Scenario]:
    """Return the named scenarios; `all` names every one. Raises `UsageError` for an unknown one."""
    if names == ["all"]:
        return list(SCENARIOS.values())
    unknown = [name for name in names if name not in SCENARIOS]
    if unknown:
        raise UsageError(
            "drill_unknown",
            f"There is no drill {unknown[0]}.",
            hint=f"There are: {', '.join(SCENARIOS)}.",
        )
    return [SCENARIOS[name] for name in names]

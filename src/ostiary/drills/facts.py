"""What is known of a drill besides its ledger."""

from dataclasses import dataclass

from ostiary.drills.order import DrillOrder


@dataclass(frozen=True, slots=True)
class DrillFacts:
    """What the runner and the control plane know; times are Unix seconds, None where not come to.

    `fault_at` is when the fault was let loose (the change proposed or forced, the injection begun),
    `effect_at` and `removed_at` from when to when an injected one was there, `first_hidden_at` the
    first failed attempt that a second opinion hid. `injected` is false where the fault could
    not be put into the system, `failure` says why a drill could not be run to its end. `proof` is
    what has to have held off a change from canary (see `scenarios.model.Proof`); `reasons` are
    those of the change's verdict, code and text. `others_achieved` is the share of its rate at
    which traffic came that was sent because of the fault.
    """

    drill: str
    mode: str
    from_stage: str | None = None
    expected_cause: str | None = None
    stage: str | None = None
    verdict: str | None = None
    fault_at: float | None = None
    effect_at: float | None = None
    removed_at: float | None = None
    first_hidden_at: float | None = None
    hidden: int | None = None
    detected_at: float | None = None
    named_at: float | None = None
    top_cause: str | None = None
    rule_outs_true: int | None = None
    rule_outs_false: int | None = None
    rolled_back: bool = False
    injected: bool = True
    others_achieved: float = 1.0
    failure: str | None = None
    proof: str | None = None
    reasons: tuple[tuple[str, str], ...] = ()


def facts_of(order: DrillOrder) -> DrillFacts:
    """Return what is known of a drill before it begins."""
    expected = order.scenario.content.expected
    return DrillFacts(
        drill=order.scenario.name,
        mode=order.mode.value,
        from_stage=order.from_stage,
        expected_cause=expected.cause,
        proof=None if order.injects else expected.from_canary,
    )

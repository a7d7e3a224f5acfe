"""Evidence that what the canary minted is not accepted by the last good version.

A token that the canary minted is shown wherever a request happens to go. Where the last good
version refuses it, the refusal is counted in that version's arm: by arms alone the canary's mistake
would speak against its control. Holders of tokens are therefore compared by who minted, both as the
last good version sees them. Events are holders of a token that is wrong by itself, which is never
normal; requests are holders who showed a token.

Which version minted a holder's token was drawn at random when it was asked for, so the comparison
needs no arms when the token is shown, and goes on while the canary has all the traffic.
"""

from dataclasses import dataclass

from ostiary.changes.evidence.counts import BLOCK_REQUESTS_MIN, Trials
from ostiary.changes.evidence.paired import PairedProcess

_NOBODY = Trials(0, 0)
_NO_PROCESS = PairedProcess()


@dataclass(frozen=True, slots=True)
class MintedEvidence:
    """Holders of tokens that the canary minted, beside those of tokens that last good minted.

    `canary` and `control` are those of closed blocks, `open_canary` and `open_control` those of
    the block that is still being joined; a block is closed by its number of holders alone.
    """

    canary: Trials = _NOBODY
    control: Trials = _NOBODY
    open_canary: Trials = _NOBODY
    open_control: Trials = _NOBODY
    process: PairedProcess = _NO_PROCESS

    def update(self, canary: Trials, control: Trials, tolerance: float) -> "MintedEvidence":
        """Return the evidence after one window."""
        canary, control = _sum(self.open_canary, canary), _sum(self.open_control, control)
        if canary.requests + control.requests < BLOCK_REQUESTS_MIN:
            return MintedEvidence(self.canary, self.control, canary, control, self.process)
        past = self.canary, self.control
        return MintedEvidence(
            canary=_sum(self.canary, canary),
            control=_sum(self.control, control),
            process=self.process.update(canary, control, past, tolerance),
        )

    @property
    def seen(self) -> tuple[Trials, Trials]:
        """Return all that was counted, for canary and last good."""
        return _sum(self.canary, self.open_canary), _sum(self.control, self.open_control)


NOTHING_MINTED = MintedEvidence()


def _sum(one: Trials, other: Trials) -> Trials:
    return Trials(one.requests + other.requests, one.events + other.events)

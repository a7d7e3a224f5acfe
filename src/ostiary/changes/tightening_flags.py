"""Which refusals a flip intends: those of a flag that the login service itself reads.

A second opinion cannot tell a refusal that is meant from one that is a fault. So what a change is
meant to refuse has to be said, and for these flags it need not be said by hand.
"""

from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.edge.intended_refusals import IntendedRefusal

_SIGN_UP = (
    IntendedRefusal("sign_up", "sign_up_closed"),
    IntendedRefusal("page", "sign_up_closed"),
)
"""Route class and outcome of the form that is sent, and of the page that shows it."""


def intended_refusals(
    before: SnapshotSettings, after: SnapshotSettings
) -> tuple[IntendedRefusal, ...]:
    """Return every refusal that is meant to begin with `after`.

    Closing sign-up for some is enough: who is among them decides the flag, not the edge.
    """
    return _SIGN_UP if _lets_in(after) < _lets_in(before) else ()


def _lets_in(settings: SnapshotSettings) -> float:
    """Return how far sign-up is open, from 0 for nobody to 100 for everybody.

    Where roles or clients decide, nobody counts: visitors of that page have neither.
    """
    flag = settings.flags.get("sign_up_open")
    if not settings.identity.sign_up:
        return 0.0
    if flag is None:
        return 100.0
    drawn = 0.0 if flag.off else flag.percent
    return 100.0 - drawn if flag.default is True else drawn

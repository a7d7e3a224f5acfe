"""Putting together what knows about load."""

from functools import partial

from ostiary.guard.load import LoadWatch
from ostiary.guard.mint_watch import MintWatch
from ostiary.guard.plane import DataPlane
from ostiary.guard.spread import stated_capacity
from ostiary.kernel.clock import Clock
from ostiary.kernel.journal import Journal


def load_watch(plane: DataPlane, journal: Journal, clock: Clock, mints: MintWatch) -> LoadWatch:
    """Return what watches the load of a plane, with what earlier guards knew.

    What replicas tell of tokens goes to `mints`.
    """
    load = LoadWatch(
        lambda: [*plane.stable, *plane.canary],
        clock,
        serving=lambda: [*plane.stable, *(plane.canary if plane.share else ())],
        journal=journal,
        stated=partial(stated_capacity, plane),
        in_change=lambda: plane.share is not None,
        told=mints.read,
    )
    load.recall(journal.entries())
    return load

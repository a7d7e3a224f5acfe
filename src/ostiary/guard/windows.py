"""From the edge's counters to windows of evidence."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from ostiary.changes.evidence import ArmCounts, StratumWindow
from ostiary.changes.evidence.counts import NO_COUNTS, Trials
from ostiary.edge.counters import EdgeCounters, StratumCounts, difference
from ostiary.edge.intended_refusals import IntendedRefusal
from ostiary.edge.latencies import Latencies
from ostiary.edge.route_classes import CLASS_NAMES, Served, keeps_control
from ostiary.guard.mint_watch import Minted
from ostiary.guard.slowness import Slowness, SlownessReader
from ostiary.kernel.request_kinds import is_part, stratum_name

_NOTHING = StratumCounts()
_USER_ARMS = ("canary", "control")
_MINTS = "token"
"""The class of routes that mints tokens."""

LOST_MAX = 16
"""Counts without a name that mean nothing: those of requests under way in two readings."""


class WindowReader:
    """Turns readings of the edge's counters into what was counted between two of them.

    `lost` is how many attempts and answers the edge has seen and counted under no name. Refusals
    that the change intends count as requests only. `stable` is what users' requests outside both
    arms had in the last window.

    A kind within a class is read only once both versions have named it: counts of a version that
    does not know the kind could not be compared. The pinned journeys name them before any user
    comes. With `by_kind` false, where both arms have the same replicas, no kinds are read at all.

    `classes` are the classes of routes that the change is compared on: identity's, or those that
    `service_strata` names for each service that changes.
    """

    def __init__(
        self,
        first: EdgeCounters,
        intended: frozenset[IntendedRefusal] = frozenset(),
        *,
        by_kind: bool = True,
        classes: Collection[str] = CLASS_NAMES,
    ) -> None:
        self._intended = intended
        self._first = self._last = first
        self._by_kind = by_kind
        self._classes = frozenset(classes)
        self._named: frozenset[str] = frozenset()
        self._slowness: SlownessReader | None = None
        self._minted: Minted | None = None
        self.lost = 0
        self.canary = ArmCounts()
        self.control = ArmCounts()
        self.hidden = 0
        self.final_failures = 0
        self.stable = ArmCounts()

    @property
    def incomplete(self) -> bool:
        """Whether so many counts were lost that what is left is no evidence."""
        return self.lost > LOST_MAX

    def close(
        self,
        reading: EdgeCounters,
        latencies: Latencies | None = None,
        minted: Minted | None = None,
    ) -> tuple[tuple[StratumWindow, ...], int, int]:
        """Return the strata of one window, the canary's failed answers, and the hidden failures.

        `latencies` are given with some windows only, `minted` is what replicas have told so far.
        Strata of which nothing was counted are left out.
        """
        counted = difference(reading, self._last).strata(self._intended, self._classes)
        # What is missing in two readings in a row was not just under way.
        unnamed = reading.unnamed_since(self._first)
        self.lost = min(unnamed, self._last.unnamed_since(self._first))
        self._last = reading
        windows = self._windows(counted, self._slow(latencies))
        windows = _with_minted(windows, self._shown(minted))
        # Named in this window, read from the next one on: the choice must not depend on outcomes.
        self._named = self._kinds_named(reading)
        failures = sum(
            counts.final_failures for (_, arm), counts in counted.items() if arm == "canary"
        )
        self.stable = sum((_arm(each, None, "") for each in _stable(counted)), ArmCounts())
        classes = [window for window in windows if not window.is_part]
        hidden = sum(
            counts.overturned
            for (stratum, arm), counts in counted.items()
            if arm == "canary" and not is_part(stratum)
        )
        for window in classes:
            self.canary += window.canary
            self.control += window.control
        self.hidden += hidden
        self.final_failures += failures
        return windows, failures, hidden

    def _windows(
        self, counted: Mapping[tuple[str, str], StratumCounts], slow: Mapping[str, Slowness]
    ) -> tuple[StratumWindow, ...]:
        names = {stratum for stratum, arm in counted if arm in _USER_ARMS} | slow.keys()
        return tuple(
            StratumWindow(
                name,
                _arm(counted.get((name, "canary"), _NOTHING), slow.get(name), "canary"),
                _arm(counted.get((name, "control"), _NOTHING), slow.get(name), "control"),
                keeps_control(name),
            )
            for name in sorted(names)
            if not is_part(name) or name in self._named
        )

    def _slow(self, latencies: Latencies | None) -> dict[str, Slowness]:
        if latencies is None:
            return {}
        if self._slowness is None:
            self._slowness = SlownessReader(latencies, self._classes)
            return {}
        return self._slowness.close(latencies)

    def _shown(self, minted: Minted | None) -> Minted | None:
        if minted is None or _MINTS not in self._classes:
            return None
        before, self._minted = self._minted, minted
        return None if before is None else minted.since(before)

    def _kinds_named(self, reading: EdgeCounters) -> frozenset[str]:
        """Return the kinds that the canary has named since the change began, and last good ever."""
        if not self._by_kind:
            return frozenset()
        since = difference(reading, self._first)
        return _named_by(Served.CANARY, since) & _named_by(Served.LAST_GOOD, reading)


def _stable(counted: Mapping[tuple[str, str], StratumCounts]) -> list[StratumCounts]:
    return [
        counts
        for (stratum, arm), counts in counted.items()
        if arm == "stable" and not is_part(stratum)
    ]


def _with_minted(
    windows: tuple[StratumWindow, ...], shown: Minted | None
) -> tuple[StratumWindow, ...]:
    """Return the windows with the holders of tokens, which count in the class that mints them."""
    if shown is None or not shown.by_canary.requests + shown.by_last_good.requests:
        return windows
    found = {window.stratum: window for window in windows}
    token = found.get(_MINTS, StratumWindow(_MINTS, NO_COUNTS, NO_COUNTS))
    found[_MINTS] = StratumWindow(
        _MINTS,
        _with_holders(token.canary, shown.by_canary),
        _with_holders(token.control, shown.by_last_good),
    )
    return tuple(found[name] for name in sorted(found))


def _with_holders(arm: ArmCounts, holders: Trials) -> ArmCounts:
    return replace(arm, holders=holders.requests, disowned=holders.events)


def _named_by(version: Served, counters: EdgeCounters) -> frozenset[str]:
    return frozenset(
        stratum_name(key.route_class, key.kind)
        for key in counters.attempts
        if key.kind is not None and key.first and key.served is version
    )


def _arm(counts: StratumCounts, slow: Slowness | None, arm: str) -> ArmCounts:
    # In one window a user or client disagrees once, however often they asked.
    of_outcomes = ArmCounts(
        counts.requests,
        counts.faults,
        counts.refusals,
        counts.disagreements,
        repeats=counts.overturned - counts.disagreements,
    )
    if slow is None:
        return of_outcomes
    timed = slow.canary if arm == "canary" else slow.control
    return replace(of_outcomes, timed=timed.requests, slow=timed.events)

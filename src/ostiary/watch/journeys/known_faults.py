"""What last good did wrong by itself, before a candidate came: none of it is the candidate's fault.

Otherwise the release that mends a broken last good could not pass: what it mints is tried there,
and held against what is minted there. It is looked at before a candidate can have written anything,
since a candidate that leaves what last good cannot read breaks it as well.
"""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.kernel.request_kinds import class_of
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.report import JourneyFailure, JourneyReport, failed_strata
from ostiary.watch.journeys.running import Journey, run_journeys
from ostiary.watch.journeys.sets import cross_version_set
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.target import Target

T = TypeVar("T")

_SERVER_FAULTS = frozenset({FailureKind.FAULT, FailureKind.NO_ANSWER, FailureKind.TIMEOUT})


@dataclass(frozen=True, slots=True)
class KnownFaults:
    """The failures of last good at what it mints for itself; none where it works."""

    failures: tuple[JourneyFailure, ...] = ()

    def explain(self, failure: JourneyFailure | StepFailedError, last_good: Iterable[str]) -> bool:
        """Return whether last good failed so before.

        `last_good` are the names under which it was tried: what fails elsewhere is never explained.
        The same must have happened in the same class of routes. That it refuses does not explain
        that it breaks, and nothing explains wrong content but wrong content.
        """
        if failure.target not in last_good:
            return False
        return _nature(failure) in {_nature(known) for known in self.failures}

    async def allow(self, asked: Awaitable[T], last_good: Target) -> T | None:
        """Return what last good is asked for, None where it fails as it did before.

        Raises any other `StepFailedError`.
        """
        try:
            return await asked
        except StepFailedError as error:
            if self.explain(error, {last_good.name}):
                return None
            raise

    def taken_from(self, report: JourneyReport, last_good: Iterable[str]) -> JourneyReport:
        """Return a report in which what is explained has been set aside."""
        names = frozenset(last_good)
        aside = tuple(each for each in report.failures if self.explain(each, names))
        if not aside:
            return report
        failures = tuple(each for each in report.failures if each not in aside)
        return replace(
            report,
            failures=failures,
            set_aside=(*report.set_aside, *aside),
            strata_failed=failed_strata(failures),
        )


NONE_KNOWN = KnownFaults()


async def look_for_faults(
    last_good: Target, account: ProbeAccount, *, clock: Clock, rng: Random
) -> KnownFaults:
    """Let last good verify what it minted itself: the matrix of a rehearsal without candidates.

    `account` must be one whose tokens are for the default audience.
    """
    transport = KeptConnections()
    try:
        site = await Site.open(last_good, transport, clock=clock, rng=rng)
        report = await run_journeys(_journeys(site, account), clock)
        return KnownFaults(report.failures)
    except StepFailedError as error:
        return KnownFaults((JourneyFailure.of("discovery", error),))
    finally:
        await transport.aclose()


async def compared(
    sites: Sequence[Site], last_good: Site, accounts: Sequence[ProbeAccount], known: KnownFaults
) -> list[Site]:
    """Return the sites, each to be held against what last good mints now.

    Where it mints nothing, as it did before, they are held against nothing: by itself a candidate
    still has to do everything right. Raises `StepFailedError` where it failed otherwise before.
    """
    held = [
        await known.allow(each.compared_with(last_good, accounts), last_good.target)
        for each in sites
    ]
    return [new or old for new, old in zip(held, sites, strict=True)]


def _journeys(site: Site, account: ProbeAccount) -> list[Journey]:
    async def reference() -> None:
        await site.compared_with(site, [account])

    matrix = cross_version_set(site, site, account)
    # Both directions are the same where minter and verifier are.
    return [Journey("reference", reference), *matrix[: len(matrix) // 2]]


def _nature(failure: JourneyFailure | StepFailedError) -> tuple[str, FailureKind]:
    """Return where and how something failed; an error, silence and delay are alike."""
    kind = FailureKind.FAULT if failure.kind in _SERVER_FAULTS else failure.kind
    return class_of(failure.stratum), kind

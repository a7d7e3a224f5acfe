"""Holding the members of a group against each other, and the group against last good, both ways."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ostiary.watch.journeys.report import JourneyFailure
from ostiary.watch.oidc_journeys import across
from ostiary.watch.oidc_journeys.grants import token_for_itself
from ostiary.watch.oidc_journeys.judging import Judged, report_of, told
from ostiary.watch.oidc_journeys.party import OidcTools, Party
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.errors import StepFailedError

T = TypeVar("T")


async def try_together(
    candidates: Sequence[Place], *, last_good: Sequence[Place], tools: OidcTools
) -> OwnReport:
    """Return what fails in company; what last good fails by itself says nothing of the change."""
    began = tools.clock.monotonic()
    try:
        stable = [await tools.party(each) for each in last_good]
    except StepFailedError as error:
        return report_of([Judged(beside=told("last_good", error))], 0.0)
    try:
        members = [await tools.party(each) for each in candidates]
    except StepFailedError as error:
        return report_of([Judged(told("discovery", error))], 0.0)
    beside = _difference("same_in_group", stable)
    judged = [Judged(_difference("same_in_group", members), beside)]
    if stable:
        judged.append(Judged(_lost(members, stable[0])))
        judged += await _both_ways(members[0], stable[0])
    return report_of(judged, tools.clock.monotonic() - began)


def _difference(name: str, members: Sequence[Party]) -> JourneyFailure | None:
    try:
        across.require_same(members)
    except StepFailedError as error:
        return told(name, error)
    return None


def _lost(members: Sequence[Party], stable: Party) -> JourneyFailure | None:
    try:
        for member in members:
            across.require_published(member, stable)
    except StepFailedError as error:
        return told("published", error)
    return None


async def _both_ways(candidate: Party, stable: Party) -> list[Judged]:
    """Show to each of the two what the other has minted."""
    settings = candidate.application.settings
    judged: list[Judged] = []
    if settings.signs_in:
        judged += await _shown("", candidate, stable, Party.sign_in, across.require_understood)
    if settings.client_credentials and settings.introspection:
        show = across.require_understood_for_itself
        judged += await _shown("_for_itself", candidate, stable, token_for_itself, show)
    return judged


async def _shown(
    what: str,
    candidate: Party,
    stable: Party,
    mint: Callable[[Party], Awaitable[T]],
    show: Callable[[Party, Party, T], Awaitable[None]],
) -> list[Judged]:
    """Mint at both and show it to the other.

    Last good first: where it mints nothing itself, nothing is said of the candidate.
    """
    minted: dict[str, T] = {}
    by_last_good = ("minted_by_last_good", stable, candidate)
    by_candidate = ("minted_by_candidate", candidate, stable)
    for name, minter, _ in (by_last_good, by_candidate):
        try:
            minted[name] = await mint(minter)
        except StepFailedError as error:
            failure = told(f"{name}{what}", error)
            return [Judged(beside=failure) if minter is stable else Judged(failure)]
    judged: list[Judged] = []
    for name, minter, verifier in (by_candidate, by_last_good):
        try:
            await show(minter, verifier, minted[name])
            judged.append(Judged())
        except StepFailedError as error:
            judged.append(Judged(told(f"{name}{what}", error)))
    return judged

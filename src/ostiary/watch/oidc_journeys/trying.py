"""Going through a provider at candidates, and at last good what fails there.

What fails at last good as well says nothing about a change: the account, the client, a secret or
what lies behind is broken. So it is told, and refuses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from ostiary.watch.journeys.report import JourneyFailure
from ostiary.watch.oidc_journeys import grants, refusals
from ostiary.watch.oidc_journeys.application import Application
from ostiary.watch.oidc_journeys.judging import Judged, joined, report_of, told
from ostiary.watch.oidc_journeys.party import OidcTools, Party
from ostiary.watch.oidc_journeys.together import try_together
from ostiary.watch.own_journeys.trying import OwnReport
from ostiary.watch.own_journeys.walk import Place
from ostiary.watch.relying_party.errors import StepFailedError

AT_ONCE: Final = 2
"""Journeys at the same time: the members serve users besides."""

Walk = Callable[[Party], Awaitable[None]]


def must_succeed(application: Application) -> Mapping[str, Walk]:
    """Return the paths that must succeed, by name; one at least, that discovery is usable."""
    settings = application.settings
    walks: dict[str, Walk] = {"discovery": _nothing_more}
    if settings.signs_in:
        walks["sign_in"] = grants.signing_in
    if settings.client_credentials:
        walks["client_credentials"] = grants.acting_for_itself
    return walks


def must_be_refused(application: Application) -> Mapping[str, Walk]:
    """Return what must be refused, by name.

    One wrong password among it: more, or more often, and the account may be locked.
    """
    settings = application.settings
    walks: dict[str, Walk] = {}
    if settings.signs_in:
        walks |= {
            "wrong_password": refusals.wrong_password,
            "wrong_redirect_uri": refusals.wrong_redirect_uri,
            "used_code": refusals.used_code,
            "code_without_verifier": _where_s256_is_known,
        }
    if application.client_secret is not None:
        walks["wrong_client_secret"] = refusals.wrong_client_secret
    if settings.introspection:
        walks["rubbish_is_inactive"] = refusals.rubbish_is_inactive
    return walks


async def try_walks(
    walks: Mapping[str, Walk], places: Sequence[Place], *, control: Place | None, tools: OidcTools
) -> OwnReport:
    """Take every path at every place, and at the control, where there is one, what fails at one."""
    began = tools.clock.monotonic()
    gate = asyncio.Semaphore(AT_ONCE)

    async def judge(name: str, walk: Walk) -> Judged:
        async with gate:
            seen: frozenset[str] = frozenset()
            for place in places:
                failure, strata = await _walked(name, walk, place, tools)
                if failure is not None:
                    if control is None:
                        return Judged(failure)
                    beside, _ = await _walked(name, walk, control, tools)
                    return Judged(failure, beside)
                seen |= strata
            return Judged(passed=seen if name in must_succeed(tools.application) else frozenset())

    judged = await asyncio.gather(*(judge(*each) for each in walks.items()))
    return report_of(judged, tools.clock.monotonic() - began)


async def try_group(
    candidates: Sequence[Place], *, last_good: Sequence[Place], tools: OidcTools
) -> OwnReport:
    """Rehearse a group: each member by itself, all together, and the group beside last good."""
    application = tools.application
    control = last_good[0] if last_good else None
    alone = await try_walks(must_succeed(application), candidates, control=control, tools=tools)
    if not alone.report.passed:
        # What fails alone would only fail again in company, and be told several times.
        return alone
    refused = await try_walks(
        must_be_refused(application), candidates[:1], control=control, tools=tools
    )
    together = await try_together(candidates, last_good=last_good, tools=tools)
    return joined([alone, refused, together])


async def _walked(
    name: str, walk: Walk, place: Place, tools: OidcTools
) -> tuple[JourneyFailure | None, frozenset[str]]:
    try:
        party = await tools.party(place)
        await walk(party)
    except StepFailedError as error:
        return told(name, error), frozenset()
    return None, frozenset(party.seen)


async def _nothing_more(_party: Party) -> None:
    """Discovery itself is tried where the application finds the provider."""


async def _where_s256_is_known(party: Party) -> None:
    if party.provider.knows_s256:
        await refusals.code_without_verifier(party)

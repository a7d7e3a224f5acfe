"""All journeys of a rehearsal in their order: what runs side by side, and what after what."""

from collections.abc import Sequence

from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.existing_users import existing_users_set
from ostiary.watch.journeys.in_use import InUse
from ostiary.watch.journeys.operators import operator_set
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.running import Journey
from ostiary.watch.journeys.sets import (
    at_once_journey,
    cross_version_set,
    published_keys_set,
    refusal_set,
    sign_in_set,
)
from ostiary.watch.journeys.sign_up import sign_up_journey


def rehearsal_phases(
    sites: Sequence[Site],
    last_good: Site | None,
    accounts: Sequence[ProbeAccount],
    in_use: InUse,
    admin: ProbeAdmin,
) -> list[list[Journey]]:
    """Return the journeys by phase.

    Of the `accounts` the last two are for refusals: the very last lends its client and is disabled
    in the course of it. `in_use` is what the store holds; `admin` makes probes of that.
    """
    *fresh, own, other = accounts
    site = sites[0]
    granted = sign_in_set(sites, fresh)
    granted += [sign_up_journey(each, own, admin, sign_in_at=last_good or each) for each in sites]
    granted += existing_users_set(site, in_use, admin, last_good=last_good)
    phases = [
        granted,
        # Alone, because it is about requests that meet.
        [at_once_journey(site, fresh)],
        [*refusal_set(site, own, other, admin), *operator_set(site, admin, last_good)],
    ]
    if last_good is not None:
        between = cross_version_set(site, last_good, own)
        phases.append([*between, *published_keys_set(sites, last_good)])
    return phases

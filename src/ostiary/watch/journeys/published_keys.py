"""What last good publishes to verify tokens with must stay published.

Tokens live on after the key that signed them has been replaced, and applications fetch the keys
from whichever version answers. A key that waits to sign must be known to all before it does.
"""

import asyncio
from collections.abc import Mapping

from ostiary.watch.journeys.actor import Site
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.keys import PublicKey
from ostiary.watch.relying_party.provider import fetch_keys
from ostiary.watch.relying_party.wire import Wire

LAG_SECONDS_MAX = 10.0
"""Replicas keep a copy of the keys for a few seconds, so that one may know a key before another:
only what is missing for longer is missing."""

_SECONDS_BETWEEN = 1.0
_NAMED_MAX = 5


async def keys_stay_published(site: Site, last_good: Site) -> None:
    """Require every key of last good in the list of `site`, under its id and with its value.

    Meant are the keys that last good published when it was first asked and publishes still.
    """
    clock = site.clock
    deadline = clock.monotonic() + LAG_SECONDS_MAX
    known = last_good.provider.keys.keys
    while missing := await _missing(site, last_good, known):
        if clock.monotonic() >= deadline:
            raise StepFailedError(
                target=site.target.name,
                step="jwks",
                expected="all keys that last good publishes, those that sign next included",
                got=f"a list without {_named(missing)}, or with other keys under these ids",
                kind=FailureKind.WRONG_CONTENT,
                stratum="discovery",
            )
        await asyncio.sleep(_SECONDS_BETWEEN)


async def _missing(site: Site, last_good: Site, known: Mapping[str, PublicKey]) -> list[str]:
    """Return the ids of the keys that last good still publishes and `site` does not."""
    here = await _keys(site)
    absent = {kid for kid, key in known.items() if not _is_same(here.get(kid), key)}
    return sorted(absent & set(await _keys(last_good))) if absent else []


async def _keys(site: Site) -> Mapping[str, PublicKey]:
    wire = Wire(site.target, site.transport, seconds_max=site.seconds_max)
    return (await fetch_keys(wire, site.provider.jwks)).keys


def _is_same(here: PublicKey | None, before: PublicKey) -> bool:
    return here is not None and here.key.thumbprint() == before.key.thumbprint()


def _named(missing: list[str]) -> str:
    more = len(missing) - _NAMED_MAX
    shown = ", ".join(each[:80] for each in missing[:_NAMED_MAX])
    return f"{shown} and {more} more" if more > 0 else shown

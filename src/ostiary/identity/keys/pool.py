"""The keys that wait: which one a snapshot may take, when, and how many there should be.

Decisions without effects. All times are Unix seconds.

A client that fetched the JWKS may go on using its copy for `max-age`. A key that signs before all
these copies have expired makes good tokens look forged. So it is with an algorithm: keys for each
one wait, so that a change of algorithm finds one that everybody knows already.
"""

from collections.abc import Mapping, Sequence

from ostiary.identity.keys.algorithms import Algorithm
from ostiary.identity.keys.model import PublishedKey

NEXT_KEYS = 8
"""How many keys of a snapshot's own algorithm wait for the snapshots to come."""

OTHER_NEXT_KEYS = 2
"""How many keys of each other algorithm wait for a change to it."""

CLOCK_ERROR_SECONDS_MAX = 300
"""A key that was published later than so many seconds from now waits for nobody."""

CACHE_SECONDS_MAX = 5
"""How old a replica's own copy of the published keys may be, in seconds."""


def choose_key(
    published: Sequence[PublishedKey], algorithm: str, *, jwks_max_age_seconds: int, now: int
) -> PublishedKey | None:
    """Return the next key to claim, or None when none has been published for long enough."""
    age_min = _age_min(published, jwks_max_age_seconds)
    for key in _next_keys(published, algorithm):
        if key.genesis or now - key.published_at >= age_min:
            return key
    return None


def claimable_at(
    published: Sequence[PublishedKey], algorithm: str, *, jwks_max_age_seconds: int, now: int
) -> int | None:
    """Return from when on a snapshot may claim a key; None where no key waits at all."""
    age_min = _age_min(published, jwks_max_age_seconds)
    times = [
        now if key.genesis else max(now, key.published_at + age_min)
        for key in _next_keys(published, algorithm)
    ]
    return min(times, default=None)


def waiting_for(
    published: Sequence[PublishedKey], algorithm: str, *, jwks_max_age_seconds: int, now: int
) -> Mapping[str, object]:
    """Return what a snapshot without a key waits for: `problem`, a sentence, and `ready_at`.

    Empty where it waits for something else than a key's age.
    """
    at = claimable_at(published, algorithm, jwks_max_age_seconds=jwks_max_age_seconds, now=now)
    if at is None or at <= now:
        return {}
    problem = f"No {algorithm} key has been published for long enough to sign with."
    return {"problem": problem, "ready_at": at}


def missing(
    published: Sequence[PublishedKey], algorithm: Algorithm, *, own: Algorithm, now: int
) -> int:
    """Return how many keys for an algorithm should be published in addition."""
    wanted = NEXT_KEYS if algorithm is own else OTHER_NEXT_KEYS
    # Where a clock was far ahead, its keys would fill the pool and be old enough in years.
    latest = now + CLOCK_ERROR_SECONDS_MAX
    waiting = sum(key.published_at <= latest for key in _next_keys(published, algorithm))
    return max(0, wanted - waiting)


def missing_at_once(published: Sequence[PublishedKey], *, own: Algorithm, now: int) -> int:
    """Return how many keys must be there before a snapshot's own claim is done.

    Where a key is slow to make, that is one, and only where none waits: the others are made
    later, by upkeep.
    """
    count = missing(published, own, own=own, now=now)
    return count // NEXT_KEYS if own.is_slow_to_make else count


def _age_min(published: Sequence[PublishedKey], jwks_max_age_seconds: int) -> int:
    """Return how long a key has to be published before it signs.

    That covers the largest `max-age` that any snapshot has served, and a replica whose own copy
    was as old as it may be when it served that JWKS. Genesis keys were never missing.
    """
    served = [key.jwks_max_age_seconds or 0 for key in published]
    return max([jwks_max_age_seconds, *served]) + CACHE_SECONDS_MAX


def _next_keys(published: Sequence[PublishedKey], algorithm: str) -> list[PublishedKey]:
    return [key for key in published if key.is_next and key.algorithm == algorithm]

"""When keys are fetched, and for how long they are used: pure functions of what happened before.

All times are seconds of one monotonic clock.
"""

from dataclasses import dataclass, replace
from math import inf

from ostiary.verify.keys.key_set import KeySet

_AHEAD = 0.8
"""At this part of their lifetime keys are fetched again, so that no request finds them old."""

_RETRY_SECONDS_MAX = 30.0
_DOUBLINGS_MAX = 16


@dataclass(frozen=True, slots=True)
class Pace:
    """How often an issuer is asked. Lifetimes that it states are moved into the two bounds."""

    stale_seconds: float = 86_400.0
    unknown_key_seconds: float = 10.0
    lifetime_seconds: float = 300.0
    lifetime_seconds_min: float = 10.0
    lifetime_seconds_max: float = 3_600.0
    retry_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class KeyState:
    """What is known of an issuer's keys. `failures` counts those since the last success."""

    keys: KeySet | None = None
    usable_until: float = -inf
    next_attempt_at: float = -inf
    attempted_at: float = -inf
    failures: int = 0

    def usable(self, now: float) -> KeySet | None:
        """Return the keys that tokens may be checked with now."""
        return self.keys if now < self.usable_until else None


def after_success(
    state: KeyState, keys: KeySet, max_age_seconds: float | None, *, now: float, pace: Pace
) -> KeyState:
    """Return the state with keys that were just fetched."""
    stated = pace.lifetime_seconds if max_age_seconds is None else max_age_seconds
    lifetime = min(max(stated, pace.lifetime_seconds_min), pace.lifetime_seconds_max)
    return replace(
        state,
        keys=keys,
        usable_until=now + lifetime + pace.stale_seconds,
        next_attempt_at=now + _AHEAD * lifetime,
        attempted_at=now,
        failures=0,
    )


def after_failure(state: KeyState, *, now: float, pace: Pace) -> KeyState:
    """Return the state after an attempt that brought nothing: the keys before go on counting."""
    wait = min(pace.retry_seconds * 2 ** min(state.failures, _DOUBLINGS_MAX), _RETRY_SECONDS_MAX)
    return replace(state, next_attempt_at=now + wait, attempted_at=now, failures=state.failures + 1)


def may_ask(state: KeyState, *, now: float, pace: Pace) -> bool:
    """Return whether a request that misses a key may have the keys fetched now.

    Tokens with invented key ids cost nothing to make, so they do not set the pace. While the issuer
    fails, its own retries do.
    """
    if state.failures:
        return now >= state.next_attempt_at
    return now >= state.attempted_at + pace.unknown_key_seconds


def retry_after_seconds(state: KeyState, *, now: float) -> int:
    """Return whole seconds after which it is worth asking again, at least one."""
    wait = state.next_attempt_at - now
    return max(1, int(min(wait, _RETRY_SECONDS_MAX)) + 1) if wait > 0 else 1

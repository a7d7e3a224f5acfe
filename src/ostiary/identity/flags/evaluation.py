"""Which value of a flag somebody gets, and why: a pure function.

Reasons and errors are those of the OpenFeature specification (section 2, "Provider", and
"Types"). Who is named comes before who is drawn, and the kill switch before everything.
"""

import hashlib
from dataclasses import dataclass

from openfeature.exception import TargetingKeyMissingError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason

from ostiary.identity.flags.definition import FlagDefinition, FlagValue

DEFAULT = "default"
VARIANT = "variant"

_EVERYBODY = 100.0
_STEPS = float(2**53)
"""So many positions there are: all that a float tells apart."""

_DROPPED_BITS = 64 - 53


@dataclass(frozen=True, slots=True)
class Subject:
    """For whom a flag is evaluated.

    `key` is a user's id, or the name of a browser in which nobody has signed in; percentages need
    it. `client_id` is the application through which they come, if that is known.
    """

    key: str | None = None
    roles: frozenset[str] = frozenset()
    client_id: str | None = None


NOBODY = Subject()
"""A subject of which nothing is known."""


class Buckets:
    """Draws subjects for percentages: always the same ones, and for each flag others.

    `secret` is shared by all replicas and kept in the store, so that restarts, releases and other
    settings draw alike, and nobody outside can tell who is drawn.
    """

    def __init__(self, secret: bytes) -> None:
        self._key = hashlib.sha256(secret).digest()

    def position(self, flag: str, key: str) -> float:
        """Return where a subject stands, from 0 up to but not including 100.

        A percentage draws everybody who stands below it, so raising it takes nobody out.
        """
        text = f"{flag}\0{key}".encode(errors="surrogatepass")
        digest = hashlib.blake2b(text, digest_size=8, key=self._key).digest()
        drawn = int.from_bytes(digest) >> _DROPPED_BITS
        return drawn / _STEPS * _EVERYBODY


def evaluate(
    name: str, flag: FlagDefinition, subject: Subject, buckets: Buckets
) -> FlagResolutionDetails[FlagValue]:
    """Return the value for a subject with its variant and reason.

    Raises `TargetingKeyMissingError` where a percentage has nobody to draw.
    """
    if flag.off:
        return _details(flag, DEFAULT, Reason.DISABLED)
    if flag.percent >= _EVERYBODY:
        return _details(flag, VARIANT, Reason.STATIC)
    if _is_named(flag, subject):
        return _details(flag, VARIANT, Reason.TARGETING_MATCH)
    if flag.percent:
        if not subject.key:
            raise TargetingKeyMissingError(f"The flag {name} is split by targeting key.")
        is_drawn = buckets.position(name, subject.key) < flag.percent
        return _details(flag, VARIANT if is_drawn else DEFAULT, Reason.SPLIT)
    return _details(flag, DEFAULT, Reason.DEFAULT if flag.is_targeted else Reason.STATIC)


def _is_named(flag: FlagDefinition, subject: Subject) -> bool:
    if flag.roles and not flag.roles.isdisjoint(subject.roles):
        return True
    return bool(flag.clients) and subject.client_id in (flag.clients or ())


def _details(
    flag: FlagDefinition, variant: str, reason: Reason
) -> FlagResolutionDetails[FlagValue]:
    value = flag.default if variant == DEFAULT or flag.variant is None else flag.variant
    return FlagResolutionDetails(value=value, variant=variant, reason=reason)

"""Whose a password hash is, and how many places at the gate one account or one network may hold.

A pure decision, made before `admission`'s; `gate` carries it out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ostiary.identity.passwords.admission import Priority

PLACES_PER_ACCOUNT = 2
"""Guesses are counted when they have failed, so those that are under way must be few: otherwise
whoever guesses many times at once is slowed down only afterwards."""

_NETWORK_SHARE = 4
_NETWORK_PLACES_MIN = 2


@dataclass(frozen=True, slots=True)
class Claim:
    """How trusted a request is, which account it is for and which range of networks it is from.

    What is empty is not counted.
    """

    priority: Priority
    account: str = ""
    network_range: str = ""


def fair(claim: Claim, holding: Sequence[Claim], *, queue: int) -> Claim | None:
    """Return the claim as it may stand in line, or None when its account has no place left.

    `holding` are those who wait and whose hash runs; `queue` is how many may wait.

    An account has two places for browsers that know it and two for all others, so that guesses
    do not take the owner's. A network range has a quarter of the queue in front: anybody can make
    accounts and be known for them, and must not crowd out the known browsers of everybody else.
    """
    if claim.priority is Priority.KNOWN and claim.network_range:
        in_front = sum(
            each.priority is Priority.KNOWN and each.network_range == claim.network_range
            for each in holding
        )
        if in_front >= max(_NETWORK_PLACES_MIN, queue // _NETWORK_SHARE):
            claim = replace(claim, priority=Priority.OTHER)
    if not claim.account:
        return claim
    is_known = claim.priority is Priority.KNOWN
    places = sum(
        each.account == claim.account and (each.priority is Priority.KNOWN) == is_known
        for each in holding
    )
    return claim if places < PLACES_PER_ACCOUNT else None

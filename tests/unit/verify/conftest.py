"""An issuer in memory, a clock moved by hand, and verifiers that are closed in the end."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ostiary.verify import Verifier
from tests.unit.verify.issuer import AUDIENCE, HandClock, Issuer

MakeVerifier = Callable[..., Verifier]


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def issuer() -> Issuer:
    return Issuer()


@pytest.fixture
def make_verifier(issuer: Issuer, clock: HandClock) -> Iterator[MakeVerifier]:
    """Make verifiers of the issuer; options may be changed."""
    made: list[Verifier] = []

    def make(**options: Any) -> Verifier:
        wanted: dict[str, Any] = {
            "issuer": issuer.url,
            "audience": AUDIENCE,
            "clock": clock,
            "transport": issuer.transport,
            # On a busy machine even this issuer may take its time; tests of waiting say otherwise.
            "fetch_seconds": 60,
            "wait_seconds": 60,
        }
        made.append(Verifier(**(wanted | options)))
        return made[-1]

    yield make
    issuer.gate.set()
    for verifier in made:
        verifier.close()


@pytest.fixture
def verifier(make_verifier: MakeVerifier) -> Verifier:
    """A verifier that has its keys."""
    made = make_verifier()
    assert made.warm_up(60)
    return made

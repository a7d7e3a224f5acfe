import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from tests.unit.watch.small_provider.provider import SmallProvider
from tests.unit.watch.small_provider.store import Store


@pytest.fixture
def store():
    return Store()


@pytest.fixture
def start(store):
    """Start replicas of one provider; all are stopped when the test ends."""
    running = []

    def start_one(**options):
        provider = SmallProvider(store, **options)
        running.append(provider)
        return provider

    yield start_one
    for provider in running:
        provider.server.close()


@pytest.fixture
def clock():
    return SystemClock()


@pytest.fixture
def rng():
    return SeededRandom(7)

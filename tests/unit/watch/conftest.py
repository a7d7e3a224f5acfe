import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys import published_keys
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


@pytest.fixture(scope="module", autouse=True)
def no_lag():
    """The small provider's replicas share their keys: none knows one later than another."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(published_keys, "LAG_SECONDS_MAX", 0.0)
        yield

"""Two workers share the tests; what needs the machine to itself gets it.

Most of the time of a test of whole systems is waiting, so `make test` runs two at once. Tests
marked `alone` drive a system at a rate that the machine has to hold: while one of them runs, the
other worker waits. A file's tests stay together, since they share fixtures that are slow to make;
tests that start a system of their own go to whichever worker is free, unless their file names a
group because each goes on where the one before stopped.
"""

import fcntl
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ONE_SYSTEM = ("tests/browser/", "tests/node/")
OWN_SYSTEMS = ("tests/guarded/", "tests/drills/", "tests/matrix/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say which tests have to run in the same worker."""
    for item in items:
        if not item.nodeid.startswith(OWN_SYSTEMS):
            name = item.nodeid.partition("::")[0]
            group = "one system" if name.startswith(ONE_SYSTEM) else name
            item.add_marker(pytest.mark.xdist_group(group))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Hold the machine while a test runs: for itself, or together with the other worker."""
    directory = _shared_directory(item.config)
    if directory is None:
        return (yield)
    with _machine(directory, alone=item.get_closest_marker("alone") is not None):
        return (yield)


def _shared_directory(config: pytest.Config) -> Path | None:
    """Return a directory that all workers of this run know; None where there is one process."""
    if not hasattr(config, "workerinput"):
        return None
    factory: pytest.TempPathFactory = config._tmp_path_factory  # type: ignore[attr-defined]
    return factory.getbasetemp().parent


@contextmanager
def _machine(directory: Path, *, alone: bool) -> Iterator[None]:
    """Hold a lock that many can share or one can have.

    Everybody passes the gate first. Who wants the machine alone keeps the gate shut while
    waiting, since otherwise a worker that goes from test to test would never let go.
    """
    with (
        (directory / "gate.lock").open("a") as gate,
        (directory / "machine.lock").open("a") as lock,
    ):
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield

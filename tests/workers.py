"""Four workers share the tests; what needs the machine to itself gets it.

Most of the time of a test of whole systems is waiting, so `make test` runs four at once. Tests
marked `alone` drive a system at a rate that the machine has to hold: while one of them runs, the
other workers wait. Most of these come last and follow each other, so that the others wait once, and
not for each. A file's tests stay together, since they share fixtures that are slow to make; tests
that start a system of their own go to whichever worker is free, unless each goes on where the one
before stopped.
"""

import compileall
import fcntl
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

import ostiary

ONE_SYSTEM = ("tests/browser/", "tests/node/")
OWN_SYSTEMS = ("tests/guarded/", "tests/drills/", "tests/matrix/")
ALONE = (
    "tests/drills/test_conditions.py",
    "tests/drills/test_seeds.py",
    "tests/matrix/test_kill_matrix.py",
)
IN_ORDER = (
    "tests/drills/test_injected_processes.py",
    "tests/guarded/test_bad_releases.py",
    "tests/guarded/test_broken_last_good.py",
    "tests/guarded/test_broken_releases.py",
    "tests/guarded/test_capacity.py",
    "tests/guarded/test_edge_changes.py",
    "tests/guarded/test_endpoints.py",
    "tests/guarded/test_explained.py",
    "tests/guarded/test_guard_death.py",
    "tests/guarded/test_promotion.py",
    "tests/guarded/test_replicas.py",
    "tests/guarded/test_rollback_anywhere.py",
    "tests/guarded/test_services.py",
    "tests/guarded/test_store_changes.py",
    "tests/guarded/test_token_settings.py",
)

_MACHINE = ExitStack()
"""What this worker holds of the machine."""

_IS_KEPT = pytest.StashKey[bool]()
"""Set on a test for which the one before has left the machine as it needs it."""


class ByGroup(LoadScopeScheduling):
    """Gives all tests of a group to one worker.

    Groups come from names of files: the marker `xdist_group` of pytest-xdist 3.8 has no effect
    with pytest 9.2, in which a test's id can no longer be written over.
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_configure(config: pytest.Config) -> None:
    """Compile the package once: the tests start hundreds of processes that import it."""
    # The order is that of `pytest_collection_modifyitems`, not that of the number of tests.
    config.option.loadscopereorder = False
    if not hasattr(config, "workerinput"):
        compileall.compile_dir(Path(ostiary.__file__).parent, quiet=1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Distribute the tests by groups."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what starts systems, then the smallest groups, and end with those alone.

    The other way round, two workers have their longest tests still before them when there is
    nothing left for the others.
    """
    sizes = Counter(group_of(item.nodeid) for item in items)

    def turn(item: pytest.Item) -> tuple[bool, bool, int]:
        group = group_of(item.nodeid)
        is_small = not item.nodeid.startswith((*ONE_SYSTEM, *OWN_SYSTEMS))
        return group == "alone", is_small, -sizes[group]

    items.sort(key=turn)


def group_of(nodeid: str) -> str:
    """Return the group of a test; a test that may run anywhere is one by itself."""
    name = nodeid.partition("::")[0]
    if name.startswith(ONE_SYSTEM):
        return "one system"
    if name in ALONE:
        return "alone"
    if name.startswith(OWN_SYSTEMS) and name not in IN_ORDER:
        return nodeid
    return name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Hold the machine while a test runs: for itself, or together with the others.

    Who has it alone keeps it for a next test that needs the same.
    """
    directory = _shared_directory(item.config)
    if directory is None:
        return (yield)
    if _IS_KEPT not in item.stash:
        _MACHINE.enter_context(_machine(directory, alone=_is_alone(item)))
    try:
        return (yield)
    finally:
        if _is_alone(item) and nextitem is not None and _is_alone(nextitem):
            nextitem.stash[_IS_KEPT] = True
        else:
            _MACHINE.close()


def _is_alone(item: pytest.Item) -> bool:
    return item.get_closest_marker("alone") is not None


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

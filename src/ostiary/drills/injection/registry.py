"""What injects each kind of fault, and what it needs of the release beforehand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ostiary.drills.faults import Edit
from ostiary.drills.injection.altered_release import leaking, less_memory, wrong_clock
from ostiary.drills.injection.crowds import brute_force, stuffing, surge
from ostiary.drills.injection.database_locks import database_locked
from ostiary.drills.injection.database_server import database_stopped, pool_exhausted
from ostiary.drills.injection.disk import disk_full
from ostiary.drills.injection.keys import key_expired, key_unknown
from ostiary.drills.injection.kills import (
    crash_loop,
    envoy_killed,
    guard_killed,
    replica_killed,
)
from ostiary.drills.injection.network import (
    database_slow,
    edits_of_network,
    network_delay,
    network_loss,
)
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.replica_faults import clock_skew, memory_leak
from ostiary.drills.scenarios.injections import Injection
from ostiary.drills.scenarios.reading import Tables, merged


def _no_settings(_fault: Any) -> Tables:  # noqa: ANN401 - whatever the kind's model is
    return {}


def _no_edits(_fault: Any, _directory: Path) -> Sequence[Edit]:  # noqa: ANN401 - whatever the kind's model is
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    `inject` is entered to inject it, and returns only when it is in effect; leaving removes it. It
    raises `FaultNotInjectableError` where that is not possible here; then nothing of it stays.
    `edits` are made to identity's release before users come, and must not change what it does; they
    get the fault, and the directory of `InjectionPlace`. `settings` are what the system needs in
    place of the defaults.
    """

    inject: Callable[[InjectionPlace, Any], AbstractContextManager[None]]
    edits: Callable[[Any, Path], Sequence[Edit]] = _no_edits
    settings: Callable[[Any], Tables] = _no_settings


KINDS: Final[Mapping[str, Kind]] = {
    "database_stopped": Kind(database_stopped),
    "database_slow": Kind(database_slow),
    "database_locked": Kind(database_locked),
    "disk_full": Kind(disk_full),
    "pool_exhausted": Kind(pool_exhausted),
    "network_delay": Kind(network_delay, edits_of_network),
    "network_loss": Kind(network_loss, edits_of_network),
    "replica_killed": Kind(replica_killed),
    "envoy_killed": Kind(envoy_killed),
    "guard_killed": Kind(guard_killed),
    "crash_loop": Kind(crash_loop),
    "memory_leak": Kind(memory_leak, leaking, less_memory),
    "key_expired": Kind(key_expired),
    "key_unknown": Kind(key_unknown),
    "clock_skew": Kind(clock_skew, wrong_clock),
    "surge": Kind(surge),
    "stuffing": Kind(stuffing),
    "brute_force": Kind(brute_force),
}


def edits_for(faults: Sequence[Injection], directory: Path) -> list[Edit]:
    """Return the edits that the release needs so that these faults can be injected, each once."""
    edits = [edit for fault in faults for edit in KINDS[fault.kind].edits(fault, directory)]
    return list(dict.fromkeys(edits))


def settings_for(faults: Sequence[Injection]) -> Tables:
    """Return the settings that the system needs so that these faults do what they are meant to."""
    tables: Tables = {}
    for fault in faults:
        tables = merged(tables, KINDS[fault.kind].settings(fault))
    return tables


@contextmanager
def injected(place: InjectionPlace, faults: Sequence[Injection]) -> Iterator[None]:
    """Inject faults in their order; remove them in the opposite one when the block ends.

    Raises `FaultNotInjectableError` where one of them cannot be; then none is.
    """
    with ExitStack() as removed_last_first:
        for fault in faults:
            removed_last_first.enter_context(KINDS[fault.kind].inject(place, fault))
        yield

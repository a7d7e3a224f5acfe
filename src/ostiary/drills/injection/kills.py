"""Processes that end at once: replicas, Envoys, the guard; and replicas that end again and again.

The drill starts nothing anew. Guarded, the guard does while the fault is there; unguarded it stands
still until the fault is removed, and does then what it should have done before.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from ostiary.drills.beside import beside
from ostiary.drills.injection import running
from ostiary.drills.injection.effect import not_injectable
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.restoring import (
    brought_back,
    replicas_brought_back,
    wait_until_restored,
)
from ostiary.drills.mode import Mode
from ostiary.drills.scenarios.process_kinds import (
    CrashLoop,
    EnvoyKilled,
    GuardKilled,
    ReplicaKilled,
)
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.processes import ProcessRecord, send_signal
from ostiary.runtime.ports import Replica

_LOOK_SECONDS: Final = 0.1


@contextmanager
def replica_killed(place: InjectionPlace, fault: ReplicaKilled) -> Iterator[None]:
    """Kill the first replica, and the others that are to be killed one after the other."""
    victims = running.replicas(place.system.data)
    _require(len(victims), fault.count, "replicas")
    first, *others = victims[: fault.count]

    def kill_others(ended: threading.Event) -> None:
        for each in others:
            if ended.wait(fault.pause_seconds):
                return
            _kill_replica(place, each)

    with replicas_brought_back(place):
        _kill_replica(place, first)
        with beside(kill_others):
            yield


@contextmanager
def envoy_killed(place: InjectionPlace, fault: EnvoyKilled) -> Iterator[None]:
    """Kill as many Envoys as are to be killed, all at once."""
    victims = running.envoys(place.system.data)
    _require(len(victims), fault.count, "Envoys")
    with brought_back(place, lambda: len(running.envoys(place.system.data)) >= len(victims)):
        for each in victims[: fault.count]:
            running.kill(each, place.clock)
            place.recorder.note(f"An Envoy was killed, process {each.pid}.")
        yield


@contextmanager
def guard_killed(place: InjectionPlace, _fault: GuardKilled) -> Iterator[None]:
    """Kill the guard; unguarded its keeper stands still meanwhile, so that nobody follows it.

    Ends only after a guard answers again.
    """
    guard, keeper = running.guard(place.system.data), running.keeper(place.system.data)
    if guard is None or keeper is None:
        raise not_injectable("No guard runs below a keeper here.", "Run the drill again.")
    try:
        if place.order.mode is Mode.UNGUARDED:
            send_signal(keeper, signal.SIGSTOP)
        running.kill(guard, place.clock)
        place.recorder.note(f"The guard was killed, process {guard.pid}.")
        yield
    finally:
        send_signal(keeper, signal.SIGCONT)
    wait_until_restored(lambda: _answers(place), place.clock, "no guard answers")


@contextmanager
def crash_loop(place: InjectionPlace, fault: CrashLoop) -> Iterator[None]:
    """Kill the replicas of the first seats now, and each that follows them soon after its start."""
    victims = [one for one in running.replicas(place.system.data) if one.seat < fault.count]
    _require(len({one.seat for one in victims}), fault.count, "replicas")

    def kill_again(ended: threading.Event) -> None:
        seen: dict[ProcessRecord, float] = {}
        while not ended.wait(_LOOK_SECONDS):
            now = place.clock.monotonic()
            for each in running.replicas(place.system.data):
                old_enough = now - seen.setdefault(each.own_process, now) >= fault.lives_seconds
                if each.seat < fault.count and old_enough:
                    _kill_replica(place, each)

    with replicas_brought_back(place):
        for each in victims:
            _kill_replica(place, each)
        with beside(kill_again):
            yield


def _kill_replica(place: InjectionPlace, replica: Replica) -> None:
    running.kill(replica.own_process, place.clock)
    place.recorder.note(f"The replica in seat {replica.seat} was killed, process {replica.pid}.")


def _answers(place: InjectionPlace) -> bool:
    with suppress(OstiaryError):
        place.system.guard.get("/status")
        return True
    return False


def _require(there_are: int, wanted: int, what: str) -> None:
    if there_are < wanted:
        raise not_injectable(
            f"{there_are} {what} run here, and {wanted} are to be killed.",
            "Write a lower `count`, or more `replicas` in `[topology]`.",
        )

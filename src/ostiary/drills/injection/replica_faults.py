"""A replica whose clock is wrong, and replicas that keep more and more memory."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from ostiary.drills.injection import running
from ostiary.drills.injection.altered_release import clock_file, clock_seen_file, leak_file
from ostiary.drills.injection.effect import not_injectable, wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.injection.restoring import replicas_brought_back
from ostiary.drills.scenarios.process_kinds import ClockSkew, MemoryLeak
from ostiary.kernel.files import write_atomically
from ostiary.runtime.resources import memory_mib

_EFFECT_SECONDS_MAX: Final = 30.0
_LEAKED_MIB: Final = 2.0
"""How much more a replica has to keep until the leak counts as seen."""


@contextmanager
def clock_skew(place: InjectionPlace, fault: ClockSkew) -> Iterator[None]:
    """Put the clock of the replica in a seat wrong; returns once the replica has looked at it.

    One that follows it on the seat has the right time again, as on another machine.
    """
    found = [one for one in running.replicas(place.system.data) if one.seat == fault.seat]
    if not found:
        raise not_injectable(
            f"There is no replica in seat {fault.seat}.",
            "Write a lower `seat`, or more `replicas` in `[topology]`.",
        )
    # Of two, the earlier one is about to leave.
    pid = found[-1].pid
    file, seen = clock_file(place.directory, pid), clock_seen_file(place.directory, pid)
    try:
        write_atomically(file, str(fault.skew_seconds).encode())
        wait_until(
            seen.exists,
            place.clock,
            _EFFECT_SECONDS_MAX,
            f"the replica in seat {fault.seat} does not look at its clock",
        )
        words = "ahead" if fault.skew_seconds > 0 else "behind"
        place.recorder.note(
            f"The clock of the replica in seat {fault.seat} is {abs(fault.skew_seconds)} s {words}."
        )
        yield
    finally:
        file.unlink(missing_ok=True)
        seen.unlink(missing_ok=True)


@contextmanager
def memory_leak(place: InjectionPlace, _fault: MemoryLeak) -> Iterator[None]:
    """Switch the leak on; returns once every replica keeps more than before.

    What has leaked by the time it is switched off stays with the replicas, as long as they live.
    Ends only after as many replicas run as before.
    """
    before = _kept(place)
    switch = leak_file(place.directory)
    with replicas_brought_back(place):
        try:
            switch.touch()
            wait_until(
                lambda: _each_keeps_more(_kept(place), before),
                place.clock,
                _EFFECT_SECONDS_MAX,
                "not every replica keeps more memory",
            )
            place.recorder.note("The replicas keep more memory with every request.")
            yield
        finally:
            switch.unlink(missing_ok=True)


def _each_keeps_more(now: dict[str, float], before: dict[str, float]) -> bool:
    return all(now.get(name, mib) > mib + _LEAKED_MIB for name, mib in before.items())


def _kept(place: InjectionPlace) -> dict[str, float]:
    found = running.replicas(place.system.data)
    return {one.name: memory_mib(one.own_process) for one in found}

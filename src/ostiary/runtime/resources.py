"""What a replica may use of the machine, and what it does use.

The memory limit of the settings is enforced in an orderly way by the guard, who measures; the
kernel's limits here only keep a replica that runs away from taking the machine with it.
"""

import os
import resource
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ostiary.kernel.processes import ProcessRecord

DESCRIPTORS = 65_536
"""Files and sockets of one replica; the usual 1,024 are used up by its clients' connections."""

MEMORY_MAX_MIB_DEFAULT = 512
"""What a snapshot means that was made before there was the setting."""

_MIB = 1_048_576
_HASH_PROCESS_MIB = 8
"""What a process that hashes keeps itself, beside the memory of a hash."""

_RUNAWAY_FACTOR = 2
_RUNAWAY_MIB = 512
_MEASURED = ("RssAnon:", "VmSwap:")


def memory_max_mib(settings: Mapping[str, Any]) -> int:
    """Return how much memory a replica with these `[identity]` settings may keep, in MiB.

    The setting, and on top of it what password hashes need that run at the same time, each in a
    process of its own. Releases made them on their `threads` once: whichever is more counts.
    """
    own = _hash_places(settings)
    places = max(int(settings.get("threads", 4)), own)
    hashes = places * int(settings.get("hash_memory_kib", 0)) // 1024 + own * _HASH_PROCESS_MIB
    return int(settings.get("memory_max_mib", MEMORY_MAX_MIB_DEFAULT)) + hashes


def _hash_places(settings: Mapping[str, Any]) -> int:
    """Return the password hashes that one replica makes at the same time, as it counts them."""
    wanted = int(settings.get("hash_concurrency", 0))
    return wanted or max(1, len(os.sched_getaffinity(0)) // int(settings.get("replicas", 2)))


def limits(settings: Mapping[str, Any]) -> dict[int, int]:
    """Return the kernel's limits for a replica with these `[identity]` settings.

    RLIMIT_DATA counts what a process could write to, used or not, so it stands far above the
    memory that is measured. Beyond it allocations fail; the replica is replaced long before.
    """
    data = memory_max_mib(settings) * _RUNAWAY_FACTOR + _RUNAWAY_MIB
    return {resource.RLIMIT_NOFILE: DESCRIPTORS, resource.RLIMIT_DATA: data * _MIB}


def limits_of_service(settings: Mapping[str, Any]) -> dict[int, int]:
    """Return the kernel's limits for a replica with the settings of another service."""
    data = int(settings["memory_max_mib"]) * _RUNAWAY_FACTOR + _RUNAWAY_MIB
    return {resource.RLIMIT_NOFILE: DESCRIPTORS, resource.RLIMIT_DATA: data * _MIB}


def memory_mib(process: ProcessRecord) -> float:
    """Return the memory that a process and its children keep, swapped out or not.

    0 for one that is gone. Children are looked for one level deep.
    """
    return sum(_own_memory_mib(pid) for pid in (process.pid, *children(process.pid)))


def _own_memory_mib(pid: int) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    lines = [line.split() for line in text.splitlines() if line.startswith(_MEASURED)]
    return sum(int(words[1]) for words in lines) / 1024


def children(pid: int) -> set[int]:
    """Return the child processes of a process; each of its threads has a list of its own."""
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            found.update(map(int, thread.read_text().split()))
    return found

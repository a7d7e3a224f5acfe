"""Start time and memory of a candidate beside those of last good.

A noisy machine must not refuse a healthy release. So what is worse has to be worse by a factor and
by an amount, and the starts are compared in the candidate's favour: its fastest with last good's
slowest.
"""

from ostiary.changes.model import Reason

START_FACTOR, START_SECONDS_MORE = 3.0, 5.0
MEMORY_FACTOR, MEMORY_MIB_MORE = 2.0, 200.0


def slow_start(candidate: float | None, last_good: float | None) -> Reason | None:
    """Return what speaks against how long a candidate took to get ready, in seconds.

    None where nothing does, or where one of both is not known.
    """
    if candidate is None or last_good is None:
        return None
    if candidate <= last_good * START_FACTOR or candidate <= last_good + START_SECONDS_MORE:
        return None
    text = (
        f"A candidate was ready after {candidate:.1f} s, last good after {last_good:.1f} s: more "
        f"than {START_FACTOR:g} times and {START_SECONDS_MORE:g} s as long. A replica that dies "
        "would be missing for as long."
    )
    return Reason("slow_start", text, {"candidate": candidate, "last_good": last_good})


def too_large(name: str, mib: float, last_good: float, limit: int) -> Reason | None:
    """Return what speaks against the memory that a replica keeps, all in MiB.

    `limit` is what its settings allow it; `last_good` is 0 where that is not known.
    """
    numbers = {"memory_mib": mib, "last_good_mib": last_good, "limit_mib": limit}
    beside = f", last good {last_good:.0f} MiB" if last_good else ""
    if mib > limit:
        text = (
            f"Replica {name} keeps {mib:.0f} MiB of memory{beside}; `memory_max_mib` and its "
            f"hashes allow {limit} MiB. The release leaks memory, or needs a higher limit."
        )
        return Reason("memory_growth", text, numbers)
    if last_good and mib > last_good * MEMORY_FACTOR and mib > last_good + MEMORY_MIB_MORE:
        text = (
            f"Replica {name} keeps {mib:.0f} MiB of memory{beside}: more than {MEMORY_FACTOR:g} "
            f"times and {MEMORY_MIB_MORE:g} MiB as much. The release leaks memory, or needs more."
        )
        return Reason("memory_growth", text, numbers)
    return None

"""Why a replica did not get ready, in words: one sentence, its last words, and where to look."""

from ostiary.runtime.free_ports import is_taken
from ostiary.runtime.ports import FailureReason, Replica, ReplicaFailedError
from ostiary.runtime.process_table import session_of


def not_started(name: str, error: OSError) -> ReplicaFailedError:
    """Return the failure of a replica for which no process could be started."""
    return ReplicaFailedError(
        name,
        FailureReason.NOT_STARTED,
        f"Replica {name} could not be started: {error.strerror}.",
        [],
        "See whether the disk is full and whether the machine allows more processes.",
    )


def no_such_program(name: str, error: OSError) -> ReplicaFailedError:
    """Return the failure of a replica whose program is not there or cannot be run."""
    return ReplicaFailedError(
        name,
        FailureReason.NOT_STARTED,
        f"Replica {name} could not be started: {error.strerror}: {error.filename}.",
        [],
        "Its `command` begins with a program that is on PATH or in the release.",
    )


def ended_early(
    replica: Replica, log_lines: list[str], how: str | None = None
) -> ReplicaFailedError:
    """Return the failure of a replica that ended before it was ready, and `how` where known."""
    ports = (replica.port, replica.health_port)
    # What the replica itself has started may still hold its ports; that is no foreign process.
    if not session_of(replica.own_process) and any(is_taken(replica.host, port) for port in ports):
        what = "ended: another process has taken its port"
        return _failed(replica, FailureReason.PORT_TAKEN, what, log_lines)
    # Identity says itself why it ends; another program may have said nothing at all.
    what = "ended before it was ready" + (f" ({how})" if how and replica.health else "")
    return _failed(replica, FailureReason.EXITED, what, log_lines)


def too_slow(
    replica: Replica, seconds_max: float, log_lines: list[str], why: str | None = None
) -> ReplicaFailedError:
    """Return the failure of a replica that was not ready in time, and `why` where that is known."""
    what = f"was not ready within {seconds_max:g} s" + (f": {why}" if why else "")
    return _failed(replica, FailureReason.TOO_SLOW, what, log_lines)


def not_yet(
    replica: Replica, problem: str, *, seconds: float, possible_at: str
) -> ReplicaFailedError:
    """Return the failure of a replica that says from when on it could be ready."""
    return ReplicaFailedError(
        replica.name,
        FailureReason.NOT_YET,
        f"Snapshot {replica.snapshot} cannot be served yet. {problem} "
        f"It can from {possible_at} on, in {seconds:.0f} s.",
        [],
        f"Propose it again then. Its log is {replica.log}.",
    )


def _failed(
    replica: Replica, reason: FailureReason, what: str, log_lines: list[str]
) -> ReplicaFailedError:
    last = f"Its last words: {log_lines[-1]}" if log_lines else "It said nothing."
    return ReplicaFailedError(
        replica.name,
        reason,
        f"Replica {replica.name} of snapshot {replica.snapshot} {what}. {last}",
        log_lines,
        f"Its log is {replica.log}.",
    )

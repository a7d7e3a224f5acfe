"""What a run must not leave behind: processes, bugs in logs, a broken journal."""

import re
from pathlib import Path

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal
from tests.matrix.cluster import REPLICAS, Cluster
from tests.matrix.promises import Broken

_BUG = re.compile(
    r'Traceback \(most recent call last\)|"event": ?"bug"|internal_error|\[critical\]'
)
_LINES_MAX = 5


def check_processes_while_up(cluster: Cluster, wanted: set[int]) -> list[Broken]:
    """Check, once all is quiet, that no replica runs but those that the guard knows."""
    running = cluster.running()
    replicas = {pid for pid, command in running.items() if "ostiary.identity" in command}
    if replicas == wanted and len(replicas) == REPLICAS:
        return []
    text = f"replicas {sorted(replicas)} run, the guard knows {sorted(wanted)}"
    return [Broken("no orphans", text, 0.0)]


def check_nothing_left(cluster: Cluster) -> list[Broken]:
    """Check that `down` has ended everything."""
    return [
        Broken("no process left behind", f"pid {pid}: {command[:120]}", 0.0)
        for pid, command in cluster.running().items()
    ]


def check_journal(data: Path) -> list[Broken]:
    """Check the journal's chain of hashes."""
    try:
        journal = Journal(data / "guard.db", SystemClock())
    except OstiaryError as error:
        return [Broken("the journal is whole", str(error), 0.0)]
    try:
        result = journal.verify()
    finally:
        journal.close()
    return [] if result.whole else [Broken("the journal is whole", str(result), 0.0)]


def check_logs(data: Path) -> list[Broken]:
    """Check that no log tells of a bug, and that no trace of one was kept."""
    found = [Broken("no bug", f"trace {path.name}", 0.0) for path in (data / "traces").glob("*")]
    for path in sorted(data.rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()
        bad = [number for number, line in enumerate(lines) if _BUG.search(line)]
        for number in bad[:_LINES_MAX]:
            # Other threads write between the lines of a trace.
            trace = [line for line in lines[number : number + 60] if not line.startswith("{")]
            words = " / ".join(line.strip() for line in trace or lines[number : number + 1])[:1500]
            name = path.relative_to(data)
            found.append(Broken("no bug", f"{name}:{number + 1}: {words}", 0.0))
    return found

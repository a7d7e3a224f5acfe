"""Which TCP ports the processes of a session listen on, as the kernel says."""

from collections.abc import Iterator
from pathlib import Path

from ostiary.kernel.processes import ProcessRecord
from ostiary.runtime.process_table import session_of

_LISTENING = "0A"
_TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_ADDRESS, _STATE, _INODE = 1, 3, 9


def listening_ports(leader: ProcessRecord) -> set[int]:
    """Return the ports on which a process, or one of its session, takes connections."""
    found: set[int] = set()
    by_socket = dict(_listeners())
    for process in (leader, *session_of(leader)):
        found |= {by_socket[name] for name in _sockets(process.pid) if name in by_socket}
    return found


def _listeners() -> Iterator[tuple[str, int]]:
    """Yield the name of each listening socket, as descriptors link to it, with its port."""
    for table in _TABLES:
        try:
            lines = Path(table).read_text().splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            if words[_STATE] == _LISTENING:
                yield f"socket:[{words[_INODE]}]", int(words[_ADDRESS].rpartition(":")[2], 16)


def _sockets(pid: int) -> Iterator[str]:
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return
    for descriptor in descriptors:
        try:
            yield str(descriptor.readlink())
        except OSError:
            continue

"""The hash processes of one replica: as many as it makes hashes at the same time.

Threads that hash would hold the replica's interpreter back, however far they stand back
themselves: one that waits for the processor can hold the lock that all others wait for.
"""

import os
import socket
import subprocess
import sys
from contextlib import suppress
from queue import Empty, SimpleQueue

import structlog

from ostiary.identity.passwords import hash_process
from ostiary.identity.passwords.hash_process import MESSAGE_BYTES_MAX

_LOG = structlog.get_logger("ostiary.identity.passwords")
_TRIES = 3
_ANSWER_SECONDS_MAX = 30.0
"""A process that hashes for longer is stuck; nobody waits for its answer any more."""

_END_SECONDS_MAX = 1.0


class HashProcessError(Exception):
    """No hash process answers now. Never repeats what it was asked."""


class HashPool:
    """Starts hash processes, replaces those that end, and asks them. Thread-safe."""

    def __init__(self, size: int) -> None:
        """Have room for `size` processes; each is started when it is first needed."""
        self._idle: SimpleQueue[_HashProcess | None] = SimpleQueue()
        for _ in range(size):
            self._idle.put(None)
        self._size = size

    def start(self) -> None:
        """Start all processes now, so that nobody waits for one."""
        for process in [self._idle.get() for _ in range(self._size)]:
            try:
                self._idle.put(process or _HashProcess())
            except OSError as error:
                # It is tried again when a password has to be hashed.
                _LOG.warning("hash process not started", cause=error.strerror)
                self._idle.put(None)

    def ask(self, request: bytes) -> bytes:
        """Return a process's answer to a request of `hash_process`; wait for one that is free.

        A process that ends meanwhile is replaced, and its successor is asked. Raises
        `HashProcessError` when that does not help either, or none can be started.
        """
        process = self._idle.get()
        try:
            for _ in range(_TRIES):
                process = process or _HashProcess()
                answer = process.ask(request)
                if answer is not None:
                    return answer
                _LOG.warning("hash process lost", ended=process.end())
                process = None
        except OSError as error:
            raise HashProcessError(error.strerror) from error
        finally:
            self._idle.put(process)
        raise HashProcessError("each of them ended")

    def close(self) -> None:
        """End the processes; one that hashes now ends with the replica."""
        taken: list[_HashProcess | None] = []
        with suppress(Empty):
            while True:
                taken.append(self._idle.get_nowait())
        for process in taken:
            if process is not None:
                process.end()
            self._idle.put(None)


class _HashProcess:
    """One process and this end of its socket."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_ANSWER_SECONDS_MAX)
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-S", hash_process.__file__],
                    env=_environment(),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    # Away from terminals, and a group of its own for the kernel's scheduler.
                    start_new_session=True,
                )
        except BaseException:
            self._socket.close()
            raise

    def ask(self, request: bytes) -> bytes | None:
        """Return the answer; None where the process has ended, or ends now."""
        try:
            self._socket.send(request)
            return self._socket.recv(MESSAGE_BYTES_MAX) or None
        except OSError:
            return None

    def end(self) -> int:
        """End the process, by force if need be; return how it ended, as `Popen.wait` does."""
        self._socket.close()
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(_END_SECONDS_MAX)
        self._process.kill()
        return self._process.wait()


def _environment() -> dict[str, str]:
    """Return where this process finds its modules, and nothing else."""
    found = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
    if "LD_LIBRARY_PATH" in os.environ:
        found["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return found

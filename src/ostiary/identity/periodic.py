"""Work that a replica does every few seconds, apart from requests."""

import threading
from collections.abc import Callable

import structlog

from ostiary.identity.store.errors import StoreUnavailableError
from ostiary.kernel.log_words import PERIODIC_WORK_FAILED

_LOG = structlog.get_logger("ostiary.identity.periodic")


class Periodic:
    """Calls something again and again in a thread of its own, until it is stopped."""

    def __init__(self, call: Callable[[], None], *, seconds: float, name: str) -> None:
        self._call = call
        self._seconds = seconds
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin; the first call comes at once."""
        self._thread.start()

    def stop(self) -> None:
        """Let a call that is under way end, for as long as a store may keep it waiting."""
        self._stopping.set()
        self._thread.join(timeout=self._seconds)

    def _run(self) -> None:
        while True:
            try:
                self._call()
            except StoreUnavailableError as error:
                _LOG.warning("periodic work put off", cause=error.detail)
            except Exception:  # noqa: BLE001 - one failure must not end the thread
                # What failed once may go well the next time; the replica serves meanwhile.
                _LOG.exception(PERIODIC_WORK_FAILED, name=self._thread.name)
            if self._stopping.wait(self._seconds):
                return

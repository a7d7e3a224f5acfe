"""Applications that call an API all the while with valid tokens."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx

PAUSE_SECONDS = 0.02


class Calls:
    """How the calls ended so far, by status; one without an answer is named by its error."""

    def __init__(self) -> None:
        self.ended: Counter[int | str] = Counter()
        self._stop = threading.Event()

    def go_on(self, url: str, headers: Mapping[str, str]) -> None:
        """Call until told to stop."""
        with httpx.Client(headers=headers, timeout=20) as client:
            while not self._stop.wait(PAUSE_SECONDS):
                try:
                    self.ended[client.get(url).status_code] += 1
                except httpx.HTTPError as error:
                    self.ended[type(error).__name__] += 1

    def stop(self) -> None:
        """End after the call that is under way."""
        self._stop.set()


@contextmanager
def calling(url: str, headers: Mapping[str, str], *, callers: int = 2) -> Iterator[Calls]:
    """Call while the block runs; every call must have been answered with HTTP 200."""
    calls = Calls()
    threads = [threading.Thread(target=calls.go_on, args=(url, headers)) for _ in range(callers)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        calls.stop()
        for thread in threads:
            thread.join()
    assert set(calls.ended) == {200}, calls.ended

"""Doing something beside a drill, in a thread that ends with a part of it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Do `work` in a thread until the block ends; it has to look at the event that says so.

    What it raises is raised when the block ends, unless that ended by an error of its own.
    """
    ended = threading.Event()
    raised: list[Exception] = []

    def run() -> None:
        try:
            work(ended)
        except Exception as problem:  # noqa: BLE001 - raised again where somebody can catch it
            raised.append(problem)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if raised:
        raise raised[0]

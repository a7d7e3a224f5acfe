"""Stopping one execution of a request at a chosen point of its write transaction.

Every effect of a request is written in exactly one transaction of `Store.write`. So there are
three places where an execution can be stopped, whatever it does: before that transaction, inside
it when all its statements have run, and after its commit but before the answer. The shipped code
knows nothing of this: the tests put another `Store.write` in its place.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from ostiary.identity.store.engine import Store

KILLED = 9


class Point(StrEnum):
    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@contextmanager
def interrupted(point: Point, stop: Callable[[], None], *, when: Callable[[], bool]) -> Iterator:
    """Call `stop` at a point of each write transaction for which `when` holds."""
    original = Store.write

    @contextmanager
    def write(self: Store, **options: Any) -> Iterator[Any]:
        is_meant = when()
        if is_meant and point is Point.BEFORE:
            stop()
        with original(self, **options) as connection:
            yield connection
            if is_meant and point is Point.DURING:
                stop()
        if is_meant and point is Point.AFTER:
            stop()

    Store.write = write  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.write = original  # type: ignore[method-assign]


def die() -> None:
    """End this process as SIGKILL would: nothing is flushed, closed or rolled back."""
    os._exit(KILLED)

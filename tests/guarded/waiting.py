"""Waiting for conditions of a running system."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from ostiary.kernel.errors import OstiaryError

SECONDS_MAX = 90
T = TypeVar("T")


def wait_for(condition: Callable[[], T], what: str) -> T:
    """Return the first true value of a condition; fail when it does not come."""
    deadline = time.monotonic() + SECONDS_MAX
    while time.monotonic() < deadline:
        try:
            if value := condition():
                return value
        except (OstiaryError, OSError, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail(f"{what} did not come within {SECONDS_MAX} s")

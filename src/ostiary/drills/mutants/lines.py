"""A pytest plugin that notes which test comes by which line of identity.

It runs in the process of the tests, with coverage measuring from before the package is imported.
Each test is a context under the name that pytest runs it by.
"""

import os
from collections.abc import Generator
from pathlib import Path

import coverage
import pytest

_MEASURE = coverage.Coverage(
    data_file=os.environ["OSTIARY_TRIAL_LINES"],
    config_file=False,
    include=[
        str(Path(path) / "ostiary/identity/*") for path in os.environ["PYTHONPATH"].split(":")
    ],
    concurrency="thread",
)
_MEASURE.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note what a test and its fixtures run as its own."""
    _MEASURE.switch_context(item.nodeid)
    try:
        return (yield)
    finally:
        _MEASURE.switch_context("")


def pytest_sessionfinish() -> None:
    """Write down what was noted."""
    _MEASURE.stop()
    _MEASURE.save()

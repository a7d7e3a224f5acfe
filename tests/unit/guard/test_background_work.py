"""Work beside requests that fails at a candidate, as it is read from the log of its replica."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import structlog

from ostiary.guard.background_work import background_report
from ostiary.identity.periodic import Periodic
from ostiary.identity.serving import configure_logging
from ostiary.identity.store.errors import StoreUnavailableError
from tests.unit.guard.groups import replica

NEW, OLD = replica("identity-3", "s-new"), replica("identity-1", "s-old", port=20_010)


def broken() -> None:
    raise TypeError("not supported between 'float' and 'NoneType'")


def lines_of(work: Callable[[], None], capfd: Any, name: str = "keys") -> list[str]:
    """Return what a replica logs when that work is done once."""
    configure_logging()
    try:
        periodic = Periodic(work, seconds=60, name=name)
        periodic.start()
        periodic.stop()
    finally:
        structlog.reset_defaults()
    return capfd.readouterr().out.splitlines()


def report(logs: dict[str, list[str]]):
    def log_tail(which, lines, *, about):
        return [line for line in logs.get(which.name, []) if about in line][-lines:]

    runtime: Any = SimpleNamespace(log_tail=log_tail)
    return background_report(runtime, [NEW], [OLD])


def test_work_that_breaks_at_the_candidate_alone_is_told_with_its_last_words(capfd):
    lines = lines_of(broken, capfd)

    found = report({"identity-3": lines})

    (failure,) = found.failures
    assert str(failure) == (
        "background_work, step keys: expected what is done beside requests to go on, got "
        "TypeError: not supported between 'float' and 'NoneType' (candidate identity-3)"
    )
    assert not found.passed
    assert not found.hideable


def test_what_breaks_at_last_good_as_well_is_no_fault_of_the_candidate(capfd):
    lines = lines_of(broken, capfd)

    assert report({"identity-3": lines, "identity-1": lines}).passed


def test_other_work_that_breaks_at_last_good_excuses_nothing(capfd):
    mine, other = lines_of(broken, capfd), lines_of(broken, capfd, "housekeeping")

    assert not report({"identity-3": mine, "identity-1": other}).passed


def test_a_store_that_is_away_breaks_nothing(capfd):
    def away() -> None:
        raise StoreUnavailableError("no connection is free")

    lines = lines_of(away, capfd)

    assert [json.loads(line)["event"] for line in lines] == ["periodic work put off"]
    assert report({"identity-3": lines}).passed


def test_a_log_without_anything_is_no_failure():
    assert report({}).passed
    assert report({"identity-3": ['{"event": "periodic work failed"}', "cut off"]}).passed

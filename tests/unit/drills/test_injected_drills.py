"""Drills whose fault is injected: what makes them void, before any process runs."""

import sqlite3
import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psycopg
import pytest

from ostiary.drills import runner
from ostiary.drills.fault_loose import let_loose
from ostiary.drills.injection.effect import not_injectable
from ostiary.drills.mode import Mode
from ostiary.drills.runner import run_drill
from ostiary.kernel.clock import SystemClock
from tests.unit.drills.injection.places import order_of, place_of


def test_a_drill_whose_surroundings_are_not_to_be_had_is_void_and_says_why(monkeypatch):
    @contextmanager
    def surrounding(_order, _directory):
        raise not_injectable("No PostgreSQL here.")
        yield

    monkeypatch.setattr(runner, "surrounding", surrounding)
    told = []

    drill = run_drill(order_of({"kind": "database_locked"}), SystemClock(), told.append)

    assert drill.unmet == ["void: it could not be run: No PostgreSQL here."]
    assert drill.to_json()["injected"] == ["database_locked"]
    assert drill.to_json()["met"] is False
    assert "ours (unguarded): No PostgreSQL here." in told


@pytest.mark.parametrize(
    "problem",
    [
        sqlite3.OperationalError("database is locked"),
        psycopg.OperationalError("the server closed the connection"),
        subprocess.TimeoutExpired("ostiary down", 60),
        OSError(28, "No space left on device"),
    ],
    ids=lambda problem: type(problem).__name__,
)
def test_what_breaks_one_drill_makes_it_void_and_leaves_the_others(problem, monkeypatch):
    def broken(_order, _recorder):
        raise problem

    monkeypatch.setattr(runner, "_run", broken)

    drill = run_drill(order_of({"kind": "database_locked"}), SystemClock(), lambda _: None)

    assert drill.unmet == [f"void: it could not be run: {problem}"]
    assert drill.to_json()["void"] is True


def test_a_fault_that_cannot_be_injected_is_in_the_facts_with_the_reason_told(tmp_path):
    order = replace(order_of({"kind": "disk_full"}), mode=Mode.GUARDED)
    place = place_of(order, tmp_path, tmp_path)

    loose = let_loose(place, ExitStack())

    assert loose.facts.injected is False
    assert loose.facts.fault_at is None
    assert place.recorder.moments[-1].text == "The store of this drill lies on no disk of its own."


def test_a_fault_is_removed_after_its_time_and_both_are_told(tmp_path):
    (tmp_path / "identity.db").touch()
    order = replace(order_of({"kind": "database_locked", "seconds": 1}), mode=Mode.GUARDED)
    place = place_of(order, tmp_path, tmp_path)

    loose = let_loose(place, ExitStack())

    began, in_effect, removed = place.recorder.moments
    assert (began.mark, removed.mark) == ("fault", "removed")
    assert loose.facts.fault_at == began.at
    assert removed.at - in_effect.at >= 1
    assert (loose.facts.proof, loose.change) == (None, None)

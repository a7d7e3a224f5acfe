"""Which logs of a data directory are kept from growing for ever."""

import asyncio
from pathlib import Path

import pytest

from ostiary.guard.log_keeper import LogKeeper
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock


def test_logs_of_guard_envoys_and_replicas_are_cut_and_nothing_else(tmp_path: Path):
    logs = ["guard.log", "replicas/identity-1.log", "edge/envoy-0.log"]
    others = ["replicas/identity-1.json", "identity.db"]
    for name in (*logs, *others):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("more than ten bytes")
    journal = Journal(tmp_path / "guard.db", FakeClock())
    asyncio.run(LogKeeper(tmp_path, journal, bytes_max=10).look())
    assert [(tmp_path / name).stat().st_size for name in logs] == [0, 0, 0]
    assert all((tmp_path / name).stat().st_size for name in others)
    assert all((tmp_path / f"{name}.1").read_text() == "more than ten bytes" for name in logs)


def test_a_log_that_cannot_be_cut_keeps_no_other_from_it(tmp_path: Path):
    (tmp_path / "guard.log").mkdir()
    (tmp_path / "guard.log" / "a file").write_text("makes the directory larger than the limit")
    other = tmp_path / "edge" / "envoy-0.log"
    other.parent.mkdir()
    other.write_text("more than ten bytes")
    journal = Journal(tmp_path / "guard.db", FakeClock())
    with pytest.raises(OSError, match=r"guard\.log"):
        asyncio.run(LogKeeper(tmp_path, journal, bytes_max=10).look())
    assert other.stat().st_size == 0

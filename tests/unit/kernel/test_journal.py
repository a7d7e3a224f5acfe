"""The journal keeps what it was given, in order, and shows when it was tampered with."""

import json
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError, UsageError
from ostiary.kernel.journal import Journal, JournalError
from tests.fakes.clock import FakeClock

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "guard.db"


@pytest.fixture
def journal(path):
    journal = Journal(path, FakeClock())
    yield journal
    journal.close()


def filled(path, count=5):
    journal = Journal(path, FakeClock())
    for number in range(count):
        journal.append("counted", f"c-{number % 2}", {"number": number})
    journal.close()


def tamper(path, *statements):
    """Change the file as somebody with an SQLite shell could, past the triggers."""
    connection = sqlite3.connect(path)
    for name in ("entry_follows", "entry_stays", "entry_is_kept", "head_advances", "head_is_kept"):
        connection.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def append_until_it_fails(journal):
    for _ in range(100):
        journal.append("large", None, {"text": "x" * 10_000})


def verified(path):
    journal = Journal(path, FakeClock())
    try:
        return journal.verify()
    finally:
        journal.close()


def test_entries_come_back_in_order_with_place_and_time(journal):
    first = journal.append("change_proposed", "c-1", {"share": 0.25})
    second = journal.append("guard_started", None, {})

    assert (first.seq, first.at, first.kind) == (1, "2026-01-01T00:00:00.000Z", "change_proposed")
    assert second.seq == 2
    assert journal.entries() == [first, second]


def test_entries_can_be_asked_for_by_place_kind_and_subject(path):
    filled(path)
    journal = Journal(path, FakeClock())
    journal.append("other", "c-0", {})

    assert [entry.seq for entry in journal.entries(after=3)] == [4, 5, 6]
    assert [entry.seq for entry in journal.entries(kind="other")] == [6]
    assert [entry.seq for entry in journal.entries(subject="c-0")] == [1, 3, 5, 6]
    assert [entry.seq for entry in journal.entries(2, "counted", "c-0")] == [3, 5]
    journal.close()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
@given(data=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON_VALUES))
def test_any_json_object_comes_back_as_it_was(journal, data):
    entry = journal.append("anything", None, data)

    assert journal.entries(after=entry.seq - 1) == [entry]
    assert entry.data == json.loads(json.dumps(data))


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_is_refused_and_leaves_nothing(journal, number):
    with pytest.raises(ValueError, match="JSON"):
        journal.append("evidence", None, {"e_value": number})
    with pytest.raises(TypeError):
        journal.append("evidence", None, {"when": object()})

    assert journal.entries() == []
    assert journal.append("next", None, {}).seq == 1


def test_a_later_change_of_the_callers_data_does_not_reach_the_entry(journal):
    data = {"list": [1]}
    entry = journal.append("kept", None, data)
    data["list"].append(2)

    assert entry.data == {"list": [1]}


def test_entries_survive_the_journal_object(path):
    filled(path)

    journal = Journal(path, FakeClock())

    assert journal.append("after", None, {}).seq == 6
    assert journal.verify().whole
    journal.close()


def test_only_the_owner_can_read_the_file(path):
    filled(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entry SET data = '{}' WHERE seq = 2",
        "DELETE FROM entry WHERE seq = 5",
        "DELETE FROM entry",
        "INSERT OR REPLACE INTO entry SELECT seq, at, 'x', '', data, hash FROM entry WHERE seq = 5",
        "INSERT INTO entry SELECT 9, at, kind, subject, data, hash FROM entry WHERE seq = 5",
        "UPDATE head SET seq = 1",
        "DELETE FROM head",
    ],
)
def test_the_file_itself_refuses_to_change_or_remove_entries(path, statement):
    filled(path)
    connection = sqlite3.connect(path)

    with pytest.raises(sqlite3.IntegrityError):
        connection.execute(statement)

    connection.close()
    assert verified(path).whole


@pytest.mark.parametrize(
    ("statement", "first_wrong"),
    [
        ("UPDATE entry SET data = '{\"number\":9}' WHERE seq = 3", 3),
        ("UPDATE entry SET at = '2020-01-01T00:00:00.000Z' WHERE seq = 2", 2),
        ("UPDATE entry SET kind = 'other' WHERE seq = 1", 1),
        ("UPDATE entry SET subject = NULL WHERE seq = 4", 4),
        ("DELETE FROM entry WHERE seq = 2", 2),
        ("DELETE FROM entry WHERE seq = 1", 1),
        ("DELETE FROM entry WHERE seq > 3", 4),
        ("DELETE FROM entry", 1),
        ("INSERT INTO entry SELECT 6, at, kind, subject, data, hash FROM entry WHERE seq = 5", 6),
    ],
)
def test_tampering_shows_at_its_place(path, statement, first_wrong):
    filled(path)
    tamper(path, statement)

    found = verified(path)

    assert not found.whole
    assert found.first_wrong == first_wrong
    assert found.entries == first_wrong - 1
    assert found.reason


def test_a_cut_that_also_moves_the_head_shows_against_a_head_kept_elsewhere(path):
    filled(path)
    journal = Journal(path, FakeClock())
    kept = journal.head()
    journal.close()
    tamper(
        path,
        "DELETE FROM entry WHERE seq > 3",
        "UPDATE head SET seq = 3, hash = (SELECT hash FROM entry WHERE seq = 3)",
    )

    journal = Journal(path, FakeClock())

    assert journal.verify().whole
    assert journal.head() != kept
    journal.close()


def test_threads_append_without_gaps_and_without_loss(journal):
    def work(worker):
        for number in range(25):
            journal.append("worked", str(worker), {"number": number})

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [entry.seq for entry in journal.entries()] == list(range(1, 101))
    for worker in range(4):
        numbers = [entry.data["number"] for entry in journal.entries(subject=str(worker))]
        assert numbers == list(range(25))
    assert journal.verify().whole


def test_everything_acknowledged_survives_kill_9(path):
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from ostiary.kernel.clock import SystemClock\n"
        "from ostiary.kernel.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]), SystemClock())\n"
        "while True:\n"
        "    print(journal.append('counted', None, {}).seq, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True
    )
    for _ in range(20):
        process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    acknowledged = 20 + len([line for line in process.stdout if line.endswith("\n")])
    process.wait()
    process.stdout.close()

    journal = Journal(path, SystemClock())
    assert len(journal.entries()) >= acknowledged
    assert journal.verify().whole
    assert journal.append("after", None, {}).seq == len(journal.entries())
    journal.close()


@pytest.mark.parametrize(
    "content", [b"this is no database" * 300, b"SQLite format 3\0" + b"x" * 9000]
)
def test_a_file_that_is_no_journal_gives_a_clear_error(path, content):
    path.write_bytes(content)

    with pytest.raises(JournalError) as caught:
        Journal(path, FakeClock())

    assert caught.value.code == "journal_damaged"
    assert str(path) in caught.value.message
    assert path.read_bytes() == content


def test_pages_overwritten_in_the_middle_give_a_clear_error(path):
    filled(path, count=400)
    content = bytearray(path.read_bytes())
    content[8 * 4096 : 12 * 4096] = b"\xff" * (4 * 4096)
    path.write_bytes(content)

    with pytest.raises(JournalError) as caught:
        verified(path)

    assert caught.value.code == "journal_damaged"


def test_an_entry_that_is_no_json_any_more_gives_a_clear_error(path):
    filled(path)
    tamper(path, "UPDATE entry SET data = '{' WHERE seq = 3")
    journal = Journal(path, FakeClock())

    with pytest.raises(JournalError) as caught:
        journal.entries()

    assert caught.value.code == "journal_damaged"
    journal.close()


def test_a_full_disk_is_said_and_nothing_half_done_stays(journal):
    journal.append("before", None, {})
    pages = journal._connection.execute("PRAGMA page_count").fetchone()[0]
    journal._connection.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(JournalError) as caught:
        append_until_it_fails(journal)
    journal._connection.execute("PRAGMA max_page_count = 1000000")

    assert caught.value.code == "journal_disk_full"
    assert isinstance(caught.value, OstiaryError)
    count = len(journal.entries())
    assert journal.append("after", None, {}).seq == count + 1
    assert journal.verify().whole


def test_a_journal_of_a_newer_format_is_refused_and_untouched(path):
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 2")
    connection.close()

    with pytest.raises(UsageError) as caught:
        Journal(path, FakeClock())

    assert caught.value.code == "journal_newer"
    assert "format 2" in caught.value.message


def test_a_path_that_cannot_hold_a_journal_is_said(tmp_path):
    with pytest.raises(JournalError) as caught:
        Journal(tmp_path, FakeClock())
    assert caught.value.code == "journal_not_readable"

    with pytest.raises(JournalError):
        Journal(tmp_path / "missing" / "guard.db", FakeClock())


def test_a_copy_taken_while_the_journal_is_open_is_whole_with_its_log(path, journal, tmp_path):
    for number in range(10):
        journal.append("counted", None, {"number": number})
    copy = tmp_path / "copy.db"
    for suffix in ("", "-wal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")

    found = verified(copy)

    assert found.whole
    assert found.entries == 10

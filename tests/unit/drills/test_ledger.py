import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.drills.ledger import (
    Came,
    Entry,
    Expected,
    LedgerWriter,
    Run,
    judge,
    read_ledger,
)
from ostiary.kernel.errors import UsageError

RUN = Run(started_at=1000.0, rate=20.0, seconds=30.0, seed=7, users=100)

ENTRIES = st.builds(
    Entry,
    visit=st.integers(0, 10_000),
    user=st.text(max_size=10),
    action=st.text(max_size=10),
    intended=st.floats(0, 2e9),
    started=st.floats(0, 2e9),
    ended=st.floats(0, 2e9),
    expected=st.sampled_from(Expected),
    came=st.sampled_from(Came),
    ok=st.booleans(),
    wrong_yes=st.booleans(),
    detail=st.text(max_size=50),
)
ENTRY = Entry(1, "u-1", "sign_in", 1.0, 1.0, 1.1, Expected.GRANT, Came.GRANTED, True, False, "")


@given(st.lists(ENTRIES, max_size=5))
def test_what_was_written_is_read(tmp_path_factory, entries):
    path = tmp_path_factory.mktemp("ledger") / "ledger.jsonl"
    with LedgerWriter(path, RUN) as ledger:
        for entry in entries:
            ledger.append(entry)
        ledger.end(1030.0)

    read = read_ledger(path)

    assert read.run == RUN
    assert list(read.entries) == entries
    assert read.ended_at == 1030.0


def test_a_ledger_is_readable_by_its_owner_only(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with LedgerWriter(path, RUN):
        pass

    assert path.stat().st_mode & 0o777 == 0o600


def test_every_action_is_on_record_at_once(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with LedgerWriter(path, RUN) as ledger:
        ledger.append(ENTRY)
        assert list(read_ledger(path).entries) == [ENTRY]
    assert read_ledger(path).ended_at is None, "nobody said that the run was over"


def test_a_line_cut_off_by_a_crash_is_left_out(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with LedgerWriter(path, RUN) as ledger:
        ledger.append(ENTRY)
        ledger.append(ENTRY)
    whole = path.read_bytes()

    for cut in range(1, 60):
        path.write_bytes(whole[:-cut])
        assert list(read_ledger(path).entries) == [ENTRY]


def test_damage_in_the_middle_is_told_with_its_line(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with LedgerWriter(path, RUN) as ledger:
        ledger.append(ENTRY)
        ledger.append(ENTRY)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(lines[0] + b"{}\n" + lines[2])

    with pytest.raises(UsageError, match="line 2"):
        read_ledger(path)


def test_an_empty_or_missing_ledger_is_told(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with pytest.raises(UsageError, match="Cannot read"):
        read_ledger(path)
    path.touch()
    with pytest.raises(UsageError, match="no line that tells"):
        read_ledger(path)


def test_a_ledger_is_never_written_over(tmp_path):
    path = tmp_path / "ledger.jsonl"
    path.write_text("something")

    with pytest.raises(UsageError, match=r"File exists.*new file"):
        LedgerWriter(path, RUN)
    assert path.read_text() == "something"
    assert list(tmp_path.iterdir()) == [path]


def test_a_ledger_has_its_first_line_from_the_moment_it_exists(tmp_path):
    path = tmp_path / "ledger.jsonl"
    with LedgerWriter(path, RUN):
        assert read_ledger(path).run == RUN
        assert list(tmp_path.iterdir()) == [path]


def test_a_ledger_that_cannot_be_created_is_told(tmp_path):
    with pytest.raises(UsageError, match="Cannot create the ledger"):
        LedgerWriter(tmp_path / "none" / "ledger.jsonl", RUN)


@pytest.mark.parametrize(
    ("expected", "came", "seconds", "verdict"),
    [
        (Expected.GRANT, Came.GRANTED, 0.1, (True, False)),
        (Expected.GRANT, Came.GRANTED, 5.0, (True, False)),
        (Expected.GRANT, Came.GRANTED, 5.01, (False, False)),
        (Expected.GRANT, Came.REFUSED, 0.1, (False, False)),
        (Expected.GRANT, Came.WRONG_IDENTITY, 0.1, (False, False)),
        (Expected.REFUSE, Came.REFUSED, 0.1, (True, False)),
        (Expected.REFUSE, Came.GRANTED, 0.1, (False, True)),
        (Expected.REFUSE, Came.FAULT, 0.1, (False, False)),
    ],
)
def test_an_action_is_judged_by_what_a_correct_service_does(expected, came, seconds, verdict):
    assert judge(expected, came, seconds) == verdict

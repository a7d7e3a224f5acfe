"""How snapshots are told: order, marks, whether they can be started, and their changes."""

from ostiary.changes.snapshot import Snapshot
from ostiary.guard.change_record import ChangeRecord
from ostiary.guard.history import History
from ostiary.guard.snapshot_report import report_snapshots

FIRST, SECOND, BAD = (Snapshot.of({"identity": each * 64}, {}) for each in "abc")


def test_the_last_good_one_stands_first_and_what_has_no_mark_last() -> None:
    refused = ChangeRecord("c-9", "t", BAD.id, SECOND.id, {}, result={"verdict": "refused"})
    running = ChangeRecord("c-10", "t", BAD.id, SECOND.id, {})
    found = History(marks=(FIRST.id, SECOND.id), changes=(refused, running))
    rows = report_snapshots(
        [BAD, FIRST, SECOND],
        found,
        served=SECOND.id,
        releases=frozenset({"b" * 64, "c" * 64}),
    )
    assert [row["snapshot"] for row in rows] == [SECOND.id, FIRST.id, BAD.id]
    assert [(row["is_served"], row["is_good"], row["is_startable"]) for row in rows] == [
        (True, True, True),
        (False, True, False),
        (False, False, True),
    ]
    assert [(each["change"], each["verdict"]) for each in rows[2]["changes"]] == [
        ("c-10", None),
        ("c-9", "refused"),
    ]

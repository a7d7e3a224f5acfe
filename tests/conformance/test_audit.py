"""What `AuditLog` promises, on every store."""

import pytest

from ostiary.identity.audit.model import Entry, Operation, Selection
from ostiary.identity.audit.storage import PURGED_ROWS_MAX, AuditLog
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.engine import Store
from tests.conformance.identity_rows import FIRST, NOW, first, second

ADA = "ada@example.org"


def entry(outcome: str = "ok", *, at: int = NOW, subject: str = ADA, probe: bool = False) -> Entry:
    details = {"scope": "openid", "count": 1}
    return Entry(Operation.SIGN_IN, subject, at, outcome=outcome, probe=probe, details=details)


def append(store: Store, written: Entry, attempt: Attempt) -> bool:
    with store.write() as connection:
        return AuditLog().append(connection, written, attempt)


def found(store: Store, **wanted: object) -> list[str]:
    with store.read() as connection:
        entries = AuditLog().list_(connection, Selection(**wanted))  # type: ignore[arg-type]
    return [stored.outcome for stored in entries]


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    assert append(store, entry(), Attempt("r-1", False, FIRST, "203.0.113.7"))
    with store.read() as connection:
        (stored,) = AuditLog().list_(connection, Selection())
    assert (stored.operation, stored.subject, stored.at) == ("sign_in", ADA, NOW)
    assert (stored.request_id, stored.client_address) == ("r-1", "203.0.113.7")
    assert (stored.snapshot, stored.actor) == (FIRST, "person")
    assert stored.details == {"scope": "openid", "count": 1}


@pytest.mark.parametrize(
    ("attempts", "holds", "kept"),
    [
        ((first, second), [True, True], "2"),
        ((second, first), [True, False], "1"),
        ((first, first), [True, False], "1"),
    ],
)
def test_a_request_leaves_one_entry_that_of_the_answer_seen(
    store: Store, attempts, holds: list[bool], kept: str
) -> None:
    for number, attempt in enumerate(attempts, start=1):
        assert append(store, entry(str(number)), attempt("r-1")) is holds[number - 1]
    assert found(store) == [kept]


def test_the_first_attempt_amends_what_it_has_appended_itself(store: Store) -> None:
    with store.write() as connection:
        assert AuditLog().append(connection, entry(), first())
        AuditLog().amend(connection, entry("already_exists"), first())
    assert found(store) == ["already_exists"]


def test_an_entry_is_gone_with_the_effect_that_was_rolled_back(store: Store) -> None:
    def fail() -> None:
        with store.write() as connection:
            AuditLog().append(connection, entry(), first())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert found(store) == []


def test_the_log_is_read_by_subject_time_place_and_number(store: Store) -> None:
    for number in range(4):
        append(store, entry(str(number), at=NOW + number), first(f"r-{number}"))
    append(store, entry("bob", subject="bob@example.org"), first("r-bob"))
    append(store, entry("probe", probe=True), first("r-probe"))
    assert found(store) == ["bob", "3", "2", "1", "0"]
    assert found(store, include_probes=True)[0] == "probe"
    assert found(store, subject="bob@example.org") == ["bob"]
    assert found(store, subject=ADA, since=NOW + 2) == ["3", "2"]
    assert found(store, limit=2) == ["bob", "3"]
    with store.read() as connection:
        last = AuditLog().list_(connection, Selection(limit=2))[-1]
    assert found(store, before_number=last.number) == ["2", "1", "0"]


def test_old_entries_are_purged_and_the_journeys_own_ones_sooner(store: Store) -> None:
    append(store, entry("old", at=NOW), first("r-1"))
    append(store, entry("new", at=NOW + 90), first("r-2"))
    append(store, entry("probe", at=NOW + 40, probe=True), first("r-3"))
    append(store, entry("new probe", at=NOW + 90, probe=True), first("r-4"))
    with store.write() as connection:
        assert AuditLog().purge(connection, before=NOW + 1, probes_before=NOW + 50) == 2
    assert found(store, include_probes=True) == ["new probe", "new"]


def test_one_purge_is_bounded(store: Store) -> None:
    with store.write() as connection:
        for number in range(PURGED_ROWS_MAX + 1):
            AuditLog().append(connection, entry(), first(f"r-{number}"))
        assert AuditLog().purge(connection, before=NOW + 1, probes_before=NOW) == PURGED_ROWS_MAX
        assert AuditLog().purge(connection, before=NOW + 1, probes_before=NOW) == 1

"""What snapshots have minted is taken back: owed first, then done, whatever happens between."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostiary.guard import history
from ostiary.guard.admin import AdminUnavailableError
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.revocation_record import COUNTS, RevocationRecord
from ostiary.guard.revocations import Revocations
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock
from tests.unit.guard.groups import replica

ENDED = dict(zip(COUNTS, (1, 2, 3, 0, 2), strict=True))


class Admin:
    """Stands in for the replicas: does it, or fails as a test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any], list[str]]] = []
        self.answer: dict[str, Any] | BaseException = {"snapshot": "s-bad", **ENDED}

    async def request_of_all(
        self, path: str, body: dict[str, Any], others: Sequence[Any] = ()
    ) -> dict[str, Any]:
        self.asked.append((path, body, [each.name for each in others]))
        await asyncio.sleep(0)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Place:
    """A guard's journal and plane; every `guard()` is one that has just started."""

    def __init__(self, directory: Path) -> None:
        self.journal = Journal(directory / "guard.db", FakeClock())
        self.admin = Admin()
        self.stopping: set[str] = set()
        self.kept = ["s-good"]
        self.plane = SimpleNamespace(
            last_good="s-good", canary=[], replaced=[], kept_snapshots=lambda: list(self.kept)
        )
        self.journal.append(history.MARKED_GOOD, "s-good", {"snapshot": "s-good"})
        self.orders = 0

    def guard(self) -> Revocations:
        self.orders += 1
        return Revocations(
            self.journal,
            HistoryReader(self.journal),
            self.admin,
            self.plane,
            is_stopping=self.stopping.__contains__,
            rng=SeededRandom(self.orders),
        )

    def journalled(self, kind: str) -> int:
        return len(self.journal.entries(kind=kind))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def settled(guard: Revocations, record: RevocationRecord) -> RevocationRecord:
    return asyncio.run(guard.settle(record))


def run_until_done(guard: Revocations) -> None:
    """Let the guard's loop go until nothing is owed."""

    async def main() -> None:
        running = asyncio.create_task(guard.run())
        async with asyncio.timeout(30):
            while guard.report():  # noqa: ASYNC110 - the loop under test has no event to wait for
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(main())


def test_what_is_owed_is_done_once_and_told(place) -> None:
    guard = place.guard()
    record = guard.owe("s-bad", "the tokens are wrong", change="c-1")
    assert guard.report()[0] == {
        "order": record.order,
        "snapshot": "s-bad",
        "because": "the tokens are wrong",
        "owed_at": record.owed_at,
        "change": "c-1",
        "operator": None,
        "done_at": None,
        "problem": None,
        **dict.fromkeys(COUNTS),
    }
    done = settled(guard, record)
    assert done.done_at is not None
    assert done.ended == ENDED
    assert settled(guard, record) == done
    (asked,) = place.admin.asked
    assert asked == (
        "/admin/snapshots/s-bad/revoke",
        {"order": record.order, "reason": "the tokens are wrong"},
        [],
    )
    assert guard.report() == []
    assert place.journalled(history.SNAPSHOT_REVOKED) == 1


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        (AdminUnavailableError("store_unavailable", "The store is away."), "The store is away."),
        (RefusedError("not_found", "There is nothing at this address."), "nothing at this"),
        ({"snapshot": "s-bad"}, "another kind"),
        ({**ENDED, "users": "many"}, "another kind"),
    ],
    ids=["the store is away", "an older release", "something else", "no number"],
)
def test_what_cannot_be_done_stays_owed_with_the_reason_and_is_done_by_a_later_guard(
    place, failure, told
) -> None:
    guard = place.guard()
    place.admin.answer = failure
    record = guard.owe("s-bad", "wrong", change="c-1")
    assert settled(guard, record).done_at is None
    assert told in guard.report()[0]["problem"]
    assert place.journalled(history.SNAPSHOT_REVOKED) == 0
    place.admin.answer = {"snapshot": "s-bad", **ENDED}
    run_until_done(place.guard())
    assert len({body["order"] for _, body, _ in place.admin.asked}) == 1, "the same order again"
    assert place.journalled(history.SNAPSHOT_REVOKED) == 1


def test_a_bug_is_not_taken_for_a_store_that_is_away(place) -> None:
    guard = place.guard()
    place.admin.answer = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        settled(guard, guard.owe("s-bad", "wrong"))


def test_nothing_is_done_while_a_replica_could_mint_once_more(place) -> None:
    guard = place.guard()
    record = guard.owe("s-bad", "wrong")
    place.kept = ["s-good", "s-bad"]
    assert settled(guard, record).done_at is None
    place.kept, place.plane.canary = ["s-good"], [replica("one", "s-bad")]
    assert settled(guard, record).done_at is None
    place.plane.canary, place.stopping = [], {"s-bad"}
    guard = place.guard()
    assert settled(guard, record).done_at is None
    assert guard.report()[0]["problem"] == "Its replicas are still running."
    assert place.admin.asked == []
    place.stopping.clear()
    assert settled(guard, record).done_at is not None


def test_replicas_of_a_change_under_way_are_asked_too(place) -> None:
    place.plane.canary = [replica("canary", "s-new")]
    place.plane.replaced = [replica("warm", "s-old", port=21_000)]
    guard = place.guard()
    settled(guard, guard.owe("s-bad", "wrong"))
    assert place.admin.asked[0][2] == ["canary", "warm"]


def test_the_same_order_is_owed_once(place) -> None:
    guard = place.guard()
    first = guard.owe("s-bad", "wrong", change="c-1")
    assert guard.owe("s-bad", "wrong", change="c-1") == first
    assert guard.owe("s-bad", "wrong", operator="ada") == first, "it is owed already"
    done = settled(guard, first)
    assert guard.owe("s-bad", "wrong", change="c-1") == done, "a guard that died said so twice"
    assert guard.owe("s-bad", "wrong", change="c-2").order != first.order
    assert place.journalled(history.REVOCATION_OWED) == 2


def test_the_loop_and_an_operator_do_not_do_it_twice(place) -> None:
    guard = place.guard()
    record = guard.owe("s-bad", "wrong")

    async def both() -> None:
        await asyncio.gather(guard.settle(record), guard.settle(record))

    asyncio.run(both())
    assert len(place.admin.asked) == 1


def test_what_serves_or_is_being_tried_is_never_revoked_by_an_order(place) -> None:
    guard = place.guard()
    with pytest.raises(RefusedError) as refused:
        guard.order("s-good", "a mistake", "ada")
    assert refused.value.code == "snapshot_serves"
    assert "ostiary change rollback" in refused.value.hint
    place.kept = ["s-other"]
    with pytest.raises(RefusedError):
        guard.order("s-other", "a mistake", "ada")
    place.plane.canary = [replica("one", "s-bad")]
    with pytest.raises(RefusedError) as refused:
        guard.order("s-bad", "wrong", "ada")
    assert refused.value.code == "snapshot_in_change"
    assert place.journalled(history.REVOCATION_OWED) == 0


def test_an_order_for_what_was_done_returns_that_until_the_snapshot_is_tried_again(place) -> None:
    guard = place.guard()
    done = settled(guard, guard.order("s-bad", "wrong", "ada"))
    assert done.operator == "ada"
    assert guard.order("s-bad", "to be sure", "bob") == done
    place.journal.append(
        history.CHANGE_PROPOSED,
        "c-9",
        {"snapshot": "s-bad", "from_snapshot": "s-good", "request": {}},
    )
    assert guard.order("s-bad", "again", "bob").order != done.order


def test_what_is_revoked_is_not_brought_back_by_a_rollback(place) -> None:
    place.journal.append(history.MARKED_GOOD, "s-new", {"snapshot": "s-new"})
    place.plane.last_good, place.kept = "s-new", ["s-new"]
    guard = place.guard()
    guard.order("s-good", "its key is out", "ada")
    assert history.read(place.journal.entries()).marks == ("s-new",)


def test_a_journal_tells_when_a_change_was_decided_and_what_became_of_what_it_minted(
    place,
) -> None:
    for change, snapshot in (("c-1", "s-bad"), ("c-2", "s-good")):
        request = {"restores": "c-1"} if change == "c-2" else {}
        data = {"snapshot": snapshot, "from_snapshot": "s-good", "request": request}
        place.journal.append(history.CHANGE_PROPOSED, change, data)
    place.journal.append(history.CHANGE_MOVED, "c-1", {"stage": "canary", "verdict": None})
    assert history.read(place.journal.entries()).get("c-1").decided_at is None
    decided = place.journal.append(
        history.CHANGE_MOVED, "c-1", {"stage": "canary", "verdict": "rolled_back"}
    )
    place.journal.append(history.CHANGE_MOVED, "c-1", {"stage": "canary", "verdict": "rolled_back"})
    record = place.guard().owe("s-bad", "wrong", change="c-1")
    found = history.read(place.journal.entries())
    assert found.get("c-1").decided_at == decided.at
    assert found.revocation_of(found.get("c-1")) == record
    assert found.revocation_of(found.get("c-2")) == record, "it takes that change back"

"""Taking back what was minted, through the guard's API: who may, when, and what it answers."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.changes import actions, events
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import history
from ostiary.guard.client import GuardError
from ostiary.kernel.errors import ExitCode
from tests.unit.guard.operators.test_approving import TABLES, as_operator, refused, until
from tests.unit.guard.operators.waiting import Place

UID = 4711
WRONG = {
    "code": "journey_failed",
    "text": "the token is for somebody else",
    "numbers": {"kind": "wrong_identity", "stratum": "token"},
}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path, f"[identity]\naccess_token_seconds = 299\n{TABLES}", owner_uid=UID)
    with closing(place.journal):
        place.journal.append(history.MARKED_GOOD, place.first.id, {"snapshot": place.first.id})
        yield place


def promoted(place: Place, *reasons: dict) -> str:
    """Journal a change that was promoted and serves, and return its snapshot."""
    settings = SnapshotSettings().to_snapshot()
    settings["identity"]["access_token_seconds"] = 60
    snapshot = place.snapshots.add({"identity": "0" * 64}, settings).id
    data = {"snapshot": snapshot, "from_snapshot": place.first.id, "request": {}}
    place.journal.append(history.CHANGE_PROPOSED, "c-1", data)
    result = {"verdict": "promoted", "stage": "good", "reasons": list(reasons)}
    place.journal.append(history.CHANGE_MOVED, "c-1", result)
    place.journal.append(history.MARKED_GOOD, snapshot, {"snapshot": snapshot})
    place.journal.append(history.CHANGE_SETTLED, "c-1", {"change": "c-1", **result})
    return snapshot


def roll_back(place: Place, name: str = "zoe", **body: object) -> dict:
    return as_operator(place, name).post("/changes/c-1/rollback", body)


def test_an_admin_revokes_a_snapshot_that_does_not_serve_and_is_told_what_ended(place) -> None:
    promoted(place)
    with place.guard():
        answer = as_operator(place, "zoe").post(
            f"/snapshots/{place.first.id}/revoke", {"reason": "its key is out"}
        )
    assert answer["done_at"] is not None
    assert (answer["operator"], answer["users"], answer["problem"]) == ("zoe", 1, None)
    assert len(place.journalled(history.SNAPSHOT_REVOKED)) == 1


def test_while_the_store_is_away_it_is_owed_and_the_answer_says_so(place) -> None:
    promoted(place)
    place.away = True
    with place.guard():
        answer = as_operator(place, "zoe").post(
            f"/snapshots/{place.first.id}/revoke", {"reason": "its key is out"}
        )
    assert (answer["done_at"], answer["users"]) == (None, None)
    assert answer["problem"] == "The store is away."


def test_nobody_but_an_admin_signs_people_out(place) -> None:
    promoted(place)
    with place.guard():
        for name in ("eve", "ada", "bob"):
            path = f"/snapshots/{place.first.id}/revoke"
            refusal = refused(as_operator(place, name).post, path, {"reason": "me"})
            assert (refusal.code, refusal.exit_code) == ("not_permitted", ExitCode.REFUSED)
        refusal = refused(lambda: roll_back(place, "bob", revoke=True))
        assert "may not take back what snapshots have minted" in refusal.message
    assert place.journalled(history.REVOCATION_OWED) == []
    assert place.journalled(history.MARK_TAKEN) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "reason_missing"),
        ({"reason": " "}, "reason_missing"),
        ({"reason": 5}, "text_malformed"),
    ],
)
def test_without_a_reason_nothing_is_revoked(place, body, code) -> None:
    promoted(place)
    with place.guard():
        path = f"/snapshots/{place.first.id}/revoke"
        assert refused(as_operator(place, "zoe").post, path, body).code == code
        unknown = refused(as_operator(place, "zoe").post, "/snapshots/s-0/revoke", {"reason": "x"})
        assert unknown.exit_code is ExitCode.USAGE
    assert place.journalled(history.REVOCATION_OWED) == []


@pytest.mark.parametrize("revoke", ["yes", 1, None, []])
def test_only_a_plain_yes_or_no_is_taken_for_one(place, revoke) -> None:
    promoted(place)
    with place.guard():
        assert refused(lambda: roll_back(place, revoke=revoke)).code == "request_malformed"
    assert place.journalled(history.MARK_TAKEN) == []


def test_a_good_change_taken_back_with_revoke_owes_it_until_its_snapshot_serves_no_more(
    place,
) -> None:
    snapshot = promoted(place)
    with place.guard() as guard:
        restoring = roll_back(place, revoke=True, reason="a key is out")
        assert restoring["restores"] == "c-1"
        owed = restoring["revocation"]
        assert (owed["snapshot"], owed["change"], owed["done_at"]) == (snapshot, "c-1", None)
        path = f"/snapshots/{snapshot}/revoke"
        refusal = refused(as_operator(place, "zoe").post, path, {"reason": "now"})
        assert refusal.code == "snapshot_serves"
        guard.plane.last_good = guard.plane.serving = place.first.id
        done = as_operator(place, "zoe").post(path, {"reason": "now"})
    assert (done["order"], done["users"]) == (owed["order"], 1)


@pytest.mark.parametrize(("reasons", "is_owed"), [((WRONG,), True), ((), False)])
def test_a_good_change_of_which_journeys_saw_wrong_tokens_loses_them_without_being_told(
    place, reasons, is_owed
) -> None:
    promoted(place, *reasons)
    with place.guard():
        roll_back(place, "ada")
    assert bool(place.journalled(history.REVOCATION_OWED)) is is_owed


def test_a_good_change_that_could_not_be_taken_back_at_once_can_be_later(place) -> None:
    """Its mark is gone by then; what counts is that it serves still."""
    promoted(place)
    with place.guard() as guard:
        failed = events.CandidatesFailed("not_started", "The store is away.")
        guard.effects.answers[actions.StartCandidates] = failed
        guard.effects.answers[actions.StopCandidates] = events.ReplicasStopped()
        first = roll_back(place, "ada")["change"]
        path = f"/changes/{first}"
        until(lambda: as_operator(place, "eve").get(path)["verdict"] == "refused", "its end")
        guard.effects.answers.pop(actions.StartCandidates)
        assert roll_back(place, "ada")["restores"] == "c-1"


def test_what_is_owed_is_not_proposed_again_meanwhile(place) -> None:
    promoted(place)
    place.away = True
    with place.guard():
        path = f"/snapshots/{place.first.id}/revoke"
        as_operator(place, "zoe").post(path, {"reason": "its key is out"})
        place.file.write_text(TABLES)
        body = {"config": str(place.file), "from_stage": "canary", "again": True}
        with pytest.raises(GuardError) as caught:
            as_operator(place, "ada").post("/changes", body)
    assert caught.value.code == "revocation_owed"

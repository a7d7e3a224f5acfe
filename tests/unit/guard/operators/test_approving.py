"""Proposing, approving and commenting through the guard's API, by operators with tokens."""

import os
import time
from contextlib import closing

import pytest

from ostiary.changes import actions
from ostiary.guard import history
from ostiary.guard.client import GuardClient, GuardError
from ostiary.guard.load import CAPACITY_MEASURED
from ostiary.guard.operators.tokens import digest_of
from ostiary.guard.orders import COMMENTS_MAX
from ostiary.kernel.errors import ExitCode
from tests.unit.guard.operators.waiting import Place

ROLES = {"ada": "proposer", "bob": "approver", "cai": "approver", "eve": "viewer", "zoe": "admin"}
DAY = 86_400
GUARD = "\n[guard]\nrequire_approval = true\n"
TABLES = "".join(
    f'[guard.operators.{name}]\nrole = "{role}"\n'
    f'token_sha256 = "{digest_of(f"ostiary_of_{name}")}"\n'
    for name, role in ROLES.items()
)


@pytest.fixture
def place(tmp_path):
    text = f"[identity]\naccess_token_seconds = 299\n{GUARD}{TABLES}"
    place = Place(tmp_path, text, owner_uid=os.geteuid())
    with closing(place.journal):
        yield place


def as_operator(place, name: str) -> GuardClient:
    path = place.directory / "run" / "guard.sock"
    return GuardClient(place.directory, socket=path, token=f"ostiary_of_{name}")


def propose(place, name: str = "ada", **more) -> dict:
    return as_operator(place, name).post("/changes", {"config": str(place.file), **more})


def show(place, change: str) -> dict:
    return as_operator(place, "eve").get(f"/changes/{change}")


def until(condition, what: str):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    pytest.fail(f"{what} did not come")


def waiting(place, change: str) -> dict:
    return until(lambda: (c := show(place, change))["approval"]["waiting"] and c, "the wait")


def refused(call, *arguments) -> GuardError:
    with pytest.raises(GuardError) as caught:
        call(*arguments)
    return caught.value


def approve(place, name: str, change: dict, **more):
    body = {"snapshot": change["snapshot"], **more}
    return as_operator(place, name).post(f"/changes/{change['change']}/approve", body)


def test_a_change_waits_and_goes_on_when_another_operator_approves(place):
    with place.guard() as guard:
        change = waiting(place, propose(place)["change"])
        assert (change["stage"], change["verdict"]) == ("approve", None)
        assert change["proposed_by"] == "ada"
        assert change["approval"]["approvers"] == ["bob", "cai", "owner", "zoe"]
        assert change["approval"]["seconds_left"] == pytest.approx(7 * DAY)
        assert guard.effects.asked == [actions.RunChecks("all")]
        after = approve(place, "bob", change, comment="as discussed")
        assert (after["stage"], after["approved_by"]) == ("rehearse", "bob")
        assert [c["text"] for c in after["comments"]] == ["as discussed"]
        until(lambda: actions.StartCandidates() in guard.effects.asked, "the start")
    (order,) = place.journalled(history.CHANGE_ORDERED)
    assert order == {
        "operator": "bob",
        "command": "approve",
        "reason": "as discussed",
        "snapshot": change["snapshot"],
    }


def test_who_may_not_approve_changes_nothing(place):
    with place.guard():
        change = waiting(place, propose(place, "bob")["change"])
        own = refused(approve, place, "bob", change)
        assert (own.code, own.exit_code) == ("own_change", ExitCode.REFUSED)
        for name in ("ada", "eve"):
            assert refused(approve, place, name, change).code == "not_permitted"
        other = refused(approve, place, "cai", change | {"snapshot": "s-000000000000"})
        assert other.code == "another_snapshot"
        assert show(place, change["change"])["approval"]["waiting"]
        assert place.journalled(history.CHANGE_ORDERED) == []


def test_what_was_approved_is_the_snapshot_and_not_the_file(place):
    with place.guard() as guard:
        change = waiting(place, propose(place)["change"])
        place.file.write_text("[identity]\naccess_token_seconds = 1\n")
        after = approve(place, "bob", change)
        assert after["snapshot"] == change["snapshot"]
        until(lambda: actions.StartCandidates() in guard.effects.asked, "the start")
        assert guard.conductor._snapshot.settings["identity"]["access_token_seconds"] == 299


def test_a_new_guard_goes_on_waiting_and_knows_who_proposed(place):
    with place.guard():
        change = waiting(place, propose(place, "bob")["change"])
    with place.guard():
        assert waiting(place, change["change"])["proposed_by"] == "bob"
        assert refused(approve, place, "bob", change).code == "own_change"
        assert approve(place, "cai", change)["stage"] == "rehearse"


def test_a_snapshot_that_is_gone_ends_the_wait_and_keeps_no_guard_from_starting(place):
    with place.guard():
        change = waiting(place, propose(place)["change"])
    (place.directory / "snapshots" / f"{change['snapshot']}.json").unlink()
    with place.guard():
        ended = until(lambda: (c := show(place, change["change"]))["verdict"] and c, "the end")
    assert (ended["stage"], ended["verdict"]) == ("approve", "rolled_back")
    assert f"There is no snapshot {change['snapshot']}" in ended["reasons"][-1]["text"]


def test_a_change_waits_as_it_was_proposed_whatever_the_settings_say_since(place):
    with place.guard():
        change = waiting(place, propose(place)["change"])
    place.file.write_text(TABLES.replace("approver", "viewer"))
    with place.guard():
        assert waiting(place, change["change"])["approval"]["approvers"] == ["owner", "zoe"]
        assert refused(approve, place, "bob", change).code == "not_permitted"
        assert approve(place, "zoe", change)["approved_by"] == "zoe"


def test_a_clock_that_jumps_ends_no_wait_and_time_that_passes_does(place):
    with place.guard():
        change = waiting(place, propose(place)["change"])["change"]
        for days in (400, -800):
            place.clock.jump(days * DAY)
            before = show(place, change)["approval"]["seconds_left"]
            seen = place.looks
            until(lambda seen=seen: place.looks > seen + 1, "two looks of the guard's loop")
            assert show(place, change)["approval"]["seconds_left"] == before
        place.clock.advance(7 * DAY)
        ended = until(lambda: (c := show(place, change))["verdict"] and c, "the end")
    assert (ended["stage"], ended["verdict"]) == ("approve", "held")
    assert [reason["code"] for reason in ended["reasons"]] == ["approval_expired"]


def test_a_change_that_waits_can_be_withdrawn_and_another_one_proposed(place):
    with place.guard():
        change = waiting(place, propose(place)["change"])["change"]
        assert refused(propose, place, "bob").code == "change_running"
        body = {"reason": "wrong file"}
        ended = as_operator(place, "ada").post(f"/changes/{change}/rollback", body)
        assert ended["verdict"] == "rolled_back"
        assert refused(approve, place, "bob", ended).code == "change_settled"
        assert propose(place, "bob")["proposed_by"] == "bob"


def test_force_is_for_admins_and_goes_into_the_record(place):
    with place.guard() as guard:
        forced = {"force": True, "reason": "on fire"}
        refusal = refused(lambda: propose(place, "bob", **forced))
        assert refusal.message.startswith("bob may not force changes")
        change = propose(place, "zoe", **forced)
        until(lambda: actions.StartCandidates() in guard.effects.asked, "the start")
        shown = show(place, change["change"])
    assert (shown["forced"], shown["reason"]) == (True, "on fire")
    assert (shown["proposed_by"], shown["approved_by"]) == ("zoe", None)
    assert shown["approval"] == {
        "required": True,
        "skipped": True,
        "waiting": False,
        "approvers": [],
        "seconds_left": None,
    }


def test_comments_are_kept_in_their_order_also_after_the_end(place):
    with place.guard():
        change = waiting(place, propose(place)["change"])["change"]
        path = f"/changes/{change}/comment"
        as_operator(place, "bob").post(path, {"text": " why [red]now[/red]? "})
        as_operator(place, "ada").post(f"/changes/{change}/rollback")
        shown = as_operator(place, "ada").post(path, {"text": "you are right"})
        said = [(each["operator"], each["text"]) for each in shown["comments"]]
        assert said == [("bob", "why [red]now[/red]?"), ("ada", "you are right")]
        assert all(each["at"].endswith("Z") for each in shown["comments"])
        for text, code in (("", "text_missing"), ("a\x1bb", "text_with_control_character")):
            assert refused(as_operator(place, "ada").post, path, {"text": text}).code == code
        assert refused(as_operator(place, "eve").post, path, {"text": "hm"}).code == "not_permitted"
        unknown = refused(as_operator(place, "ada").post, "/changes/c-0/comment", {"text": "hm"})
        assert unknown.code == "change_unknown"


def test_a_change_takes_so_many_comments(place):
    with place.guard():
        change = waiting(place, propose(place)["change"])["change"]
        said = {"operator": "ada", "text": "again"}
        for _ in range(COMMENTS_MAX):
            place.journal.append(history.CHANGE_COMMENTED, change, said)
        path = f"/changes/{change}/comment"
        assert refused(as_operator(place, "ada").post, path, {"text": "more"}).code == (
            "comments_full"
        )


def test_who_changed_accounts_measured_and_stopped_stands_in_the_journal(place):
    with place.guard():
        zoe = as_operator(place, "zoe")
        zoe.post("/users", {"email": "new@example.com"})
        zoe.post("/capacity", {"snapshot": "s-1", "sign_ins_per_second": 50.0})
        for _ in range(3):
            zoe.post("/shutdown")
    (account,) = place.journalled(history.ACCOUNTS_CHANGED)
    assert account["operator"] == "zoe"
    (capacity,) = place.journalled(CAPACITY_MEASURED)
    assert capacity["operator"] == "zoe"
    # Whoever waits for the end asks many times and orders once.
    assert place.journalled(history.SHUT_DOWN) == [{"operator": "zoe"}]

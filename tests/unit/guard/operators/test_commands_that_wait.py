"""Commands where changes need approval: `propose --wait` comes back, the demo is refused."""

import json
import os
import re
from contextlib import closing

import pytest

from ostiary.cli import change_orders, changes
from ostiary.cli.demo import bad_release
from ostiary.kernel.errors import ExitCode, RefusedError
from tests.unit.guard.operators.waiting import Place

SETTINGS = """
[guard]
require_approval = true

[guard.operators.ada]
role = "proposer"
uid = 1001

[guard.operators.bob]
role = "admin"
uid = 1002

[identity]
access_token_seconds = 299
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.delenv("OSTIARY_TOKEN_FILE", raising=False)
    place = Place(tmp_path, SETTINGS, owner_uid=os.geteuid())
    with closing(place.journal):
        yield place


def propose(place, socket, **options) -> int:
    given = {"release": None, "from_stage": None, "force": False, "reason": None}
    given |= {"wait": True, "data": None, "socket": socket, "json": True}
    return changes.propose(config=place.file, **(given | options))


def test_waiting_for_a_change_ends_where_it_waits_itself_and_is_no_failure(place, capsys):
    with place.guard() as guard:
        assert propose(place, guard.path) == ExitCode.DONE
        result = json.loads(capsys.readouterr().out)
        assert (result["stage"], result["verdict"]) == ("approve", None)
        assert set(result) == set(change_orders.PROPOSE_KEYS)
        change_orders.comment(result["change"], "hm", socket=guard.path, json=True)
        shown = json.loads(capsys.readouterr().out)
        assert [(c["operator"], c["text"]) for c in shown["comments"]] == [("owner", "hm")]
        ended = change_orders.rollback(result["change"], "no", socket=guard.path, json=True)
        assert ended == ExitCode.DONE
        assert json.loads(capsys.readouterr().out)["verdict"] == "rolled_back"


def test_people_are_told_who_may_approve_and_how(place, capsys):
    with place.guard() as guard:
        assert propose(place, guard.path, wait=False, json=False) == ExitCode.DONE
        printed = capsys.readouterr().out
    assert "Another operator has to approve it" in printed
    assert "bob" in printed
    assert re.search(r"ostiary change approve c-[0-9a-f]{12}", printed)


def test_the_demonstration_does_not_wait_for_somebody_to_agree_to_it(place):
    with place.guard() as guard:
        record = json.dumps({"socket": str(guard.path)})
        (place.directory / "guard.json").write_text(record)
        with pytest.raises(RefusedError) as caught:
            bad_release("canary", data=place.directory, json=True)
        assert caught.value.code == "approval_required"
        assert place.journalled("change_proposed") == []

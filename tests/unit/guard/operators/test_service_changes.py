"""Proposing changes of other services through the guard's API: what they are, and may not be."""

import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.changes import actions
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import history
from ostiary.kernel.errors import ExitCode
from tests.unit.guard.operators.test_approving import TABLES, as_operator, refused, until
from tests.unit.guard.operators.waiting import Place

SERVICE = """
[services.orders]
command = ["sh"]
release = "orders"
routes = ["/orders"]
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """A system that serves identity and an orders API."""
    place = Place(tmp_path, TABLES + SERVICE, owner_uid=os.geteuid())
    (tmp_path / "orders").mkdir()
    (tmp_path / "orders" / "serve.sh").write_text("exit 0\n")
    orders = ServiceSettings(command=("sh",), routes=("/orders",))
    served = SnapshotSettings(services={"orders": orders}).to_snapshot()
    place.first = place.snapshots.add({"identity": "0" * 64, "orders": "1" * 64}, served)
    with closing(place.journal):
        place.journal.append(history.MARKED_GOOD, place.first.id, {"snapshot": place.first.id})
        yield place


def propose(place: Place, **more: object) -> dict:
    return as_operator(place, "zoe").post("/changes", {"reason": "try it", **more})


def write(place: Place, more: str) -> str:
    place.file.write_text(TABLES + SERVICE + more)
    return str(place.file)


def test_other_settings_of_a_service_make_a_change_of_services(place):
    with place.guard() as guard:
        change = propose(place, config=write(place, "replicas = 3\n"))
        until(lambda: actions.StartCandidates() in guard.effects.asked, "the candidates")

        assert change["kinds"] == ["services"]
        assert guard.plane.services.changing == ("orders",)
        strata = ("service_orders_1_safe", "service_orders_1_unsafe")
        assert guard.conductor.state.evidence.settings.strata == strata
        assert guard.conductor.state.balance is None
        told = refused(
            as_operator(place, "zoe").post,
            f"/changes/{change['change']}/rollback",
            {"revoke": True},
        )
        assert (told.code, told.exit_code) == ("nothing_to_revoke", ExitCode.REFUSED)
        as_operator(place, "zoe").post(f"/changes/{change['change']}/rollback", {})


def test_a_change_in_which_services_come_and_go_begins_and_is_checked(place):
    place.file.write_text(TABLES + SERVICE.replace("orders", "stock"))
    with place.guard() as guard:
        change = propose(place, config=str(place.file))
        until(lambda: actions.RunChecks in map(type, guard.effects.asked), "the check")

        assert (change["kinds"], guard.plane.services.changing) == (["services"], ())
        as_operator(place, "zoe").post(f"/changes/{change['change']}/rollback", {})


def test_a_release_of_a_service_is_copied_as_one(place):
    with place.guard() as guard:
        change = propose(place, releases={"orders": str(place.directory / "orders")})

        (release,) = change["difference"]["releases"]
        assert (release["service"], change["kinds"]) == ("orders", ["services"])
        assert guard.plane.services.changing == ("orders",)
        snapshot = place.snapshots.get(change["snapshot"])
        assert snapshot.releases["identity"] == "0" * 64
        assert snapshot.settings == place.first.settings


def test_a_release_that_is_none_is_told(place):
    with place.guard():
        told = refused(lambda: propose(place, releases={"orders": str(place.directory / "no")}))
        assert told.exit_code == ExitCode.USAGE
        told = refused(lambda: propose(place, releases={"stock": str(place.directory)}))
        assert told.code == "service_unknown"
        assert "--release orders=PATH" in told.hint


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ("replicas = 3\n[identity]\naccess_token_seconds = 299\n", "services_apart"),
        ("strip_prefix = true\n", "services_fixed"),
    ],
)
def test_what_a_change_cannot_do_to_services_is_refused_whatever_rules_it_skips(place, more, code):
    with place.guard() as guard:
        config = write(place, more)
        told = refused(lambda: propose(place, config=config, from_stage="canary"))
        assert (told.code, told.exit_code) == (code, ExitCode.REFUSED)
        assert told.hint
        assert guard.conductor.brief() is None


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({"security": True}, "--security"),
        ({"tightens": ["token:invalid_scope"]}, "--tightens"),
    ],
)
def test_terms_that_speak_of_identitys_answers_are_not_for_services(place, terms, word):
    with place.guard() as guard:
        config = write(place, "replicas = 3\n")
        told = refused(lambda: propose(place, config=config, **terms))
        assert (told.code, told.exit_code) == ("not_for_services", ExitCode.USAGE)
        assert word in told.message
        assert guard.conductor.brief() is None


def test_a_change_of_identity_is_none_of_services(place):
    with place.guard() as guard:
        config = write(place, "[identity]\naccess_token_seconds = 299\n")
        assert propose(place, config=config)["kinds"] == ["identity"]
        assert guard.plane.services.changing == ()

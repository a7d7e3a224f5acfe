"""What a reviewer is told about a change."""

from typing import Any

import pytest

from ostiary.changes import explanations
from ostiary.changes.difference import difference
from ostiary.changes.explanations import Risk, explain
from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.release_areas import area_of, is_migration, served
from ostiary.changes.service_settings import ServiceSettings
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.kernel.settings import SettingsTable

OLD = "a" * 64
NEW = "b" * 64


def snapshot(release: str = OLD, **tables: dict[str, Any]) -> Snapshot:
    settings = SnapshotSettings.model_validate(tables).to_snapshot()
    return Snapshot.of({"identity": release}, settings)


def test_equal_snapshots_differ_in_nothing() -> None:
    found = difference(snapshot(), snapshot(), {})
    assert (found.settings, found.releases, found.risk) == ((), (), Risk.LOW)


def test_a_setting_is_told_with_meaning_unit_risk_and_who_is_touched() -> None:
    found = difference(snapshot(), snapshot(identity={"access_token_seconds": 600}), {})
    (setting,) = found.settings
    assert (setting.key, setting.before, setting.after) == (
        "identity.access_token_seconds",
        300,
        600,
    )
    assert setting.unit == "seconds"
    assert setting.meaning == "How long an access token is accepted."
    assert (setting.risk, setting.touches) == (Risk.MEDIUM, "every application that checks tokens")


def test_a_key_that_was_not_set_before_differs_from_nothing() -> None:
    found = difference(snapshot(), snapshot(identity={"audience": "https://api.example.com"}), {})
    (setting,) = found.settings
    assert (setting.before, setting.after) == (None, "https://api.example.com")
    assert found.risk is Risk.HIGH


def test_a_flag_that_comes_and_one_that_goes_are_told() -> None:
    found = difference(snapshot(flags={"old": True}), snapshot(flags={"new": 1}), {})
    assert [(each.key, each.before, each.after) for each in found.settings] == [
        ("flags.new", None, 1),
        ("flags.old", True, None),
    ]


@pytest.mark.parametrize(
    ("table", "model"),
    [
        ("identity", IdentitySettings),
        ("edge", type(SnapshotSettings().edge)),
        ("services.orders", ServiceSettings),
    ],
)
def test_every_setting_is_explained(table: str, model: type[SettingsTable]) -> None:
    unexplained = [
        key
        for key in model.model_fields
        # Where the release of a service stands is no part of a snapshot.
        if explain(f"{table}.{key}") is explanations.explain("no.such.key") and key != "release"
    ]
    assert unexplained == []


ORDERS = {"command": ["orders"], "routes": ["/orders"]}


def test_a_setting_of_a_service_is_told_with_the_service_and_its_meaning() -> None:
    changed = ORDERS | {"timeout_seconds": 60.0, "environment": {"LOG": "debug"}}
    found = difference(
        snapshot(services={"orders": ORDERS}), snapshot(services={"orders": changed}), {}
    )
    environment, timeout = found.settings
    assert (environment.key, environment.before, environment.after) == (
        "services.orders.environment",
        {},
        {"LOG": "debug"},
    )
    assert (timeout.key, timeout.before, timeout.after) == (
        "services.orders.timeout_seconds",
        15.0,
        60.0,
    )
    assert (timeout.unit, timeout.risk) == ("seconds", Risk.MEDIUM)
    assert timeout.meaning == "How long an answer may take until it is complete."
    assert timeout.touches == "everybody who uses the service"


def test_a_service_that_comes_is_told_key_by_key() -> None:
    found = difference(snapshot(), snapshot(services={"orders": ORDERS}), {})
    told = {each.key: each.after for each in found.settings}
    assert told["services.orders.command"] == ["orders"]
    assert told["services.orders.replicas"] == 2
    assert found.risk is Risk.HIGH


def test_a_release_of_a_service_is_told_as_one_part() -> None:
    before, after = (
        Snapshot.of({"identity": OLD, "orders": hash_}, snapshot().settings) for hash_ in (OLD, NEW)
    )
    files = ({"app.js": "1", "old.js": "1"}, {"app.js": "2", "lib/new.js": "1"})
    (release,) = difference(before, after, {"orders": files}).releases
    assert (release.service, release.files, release.risk) == ("orders", 3, Risk.MEDIUM)
    assert (release.added, release.removed, release.changed) == (
        ("lib/new.js",),
        ("old.js",),
        ("app.js",),
    )
    (area,) = release.areas
    assert (area.name, area.files) == ("orders", 3)


def test_no_explanation_is_of_a_key_that_is_gone() -> None:
    keys = {f"identity.{key}" for key in IdentitySettings.model_fields}
    keys |= {f"edge.{key}" for key in type(SnapshotSettings().edge).model_fields}
    keys |= {f"services.{key}" for key in ServiceSettings.model_fields}
    assert set(explanations._EXPLANATIONS) <= keys


def test_a_release_is_told_by_the_parts_that_its_files_belong_to() -> None:
    before = {
        "ostiary/identity/oauth/minting.py": "1",
        "ostiary/identity/pages/sign_in.py": "1",
        "ostiary/guard/api.py": "1",
        "ostiary/identity/__pycache__/x.cpython-311.pyc": "1",
    }
    after = {
        "ostiary/identity/oauth/minting.py": "2",
        "ostiary/identity/store/migrations/versions/0009_more.py": "2",
        "ostiary/guard/api.py": "2",
        "ostiary/identity/__pycache__/x.cpython-311.pyc": "2",
    }
    found = difference(snapshot(), snapshot(NEW), {"identity": (before, after)})
    (release,) = found.releases
    assert (release.before, release.after, release.files) == (OLD, NEW, 4)
    assert release.removed == ("ostiary/identity/pages/sign_in.py",)
    assert release.migrations == ("ostiary/identity/store/migrations/versions/0009_more.py",)
    assert {area.name: area.files for area in release.areas} == {
        "OAuth and OpenID Connect": 1,
        "migrations of the store": 1,
        "pages": 1,
        "control plane": 1,
    }
    assert release.areas[0].risk is Risk.HIGH
    assert release.areas[-1].name == "control plane"
    assert release.risk is Risk.HIGH


def test_a_release_whose_files_are_gone_is_of_high_risk() -> None:
    found = difference(snapshot(), snapshot(NEW), {})
    assert found.releases[0].risk is Risk.HIGH
    assert found.releases[0].files == 0


def test_at_most_fifty_names_are_listed_but_all_are_counted() -> None:
    after = {f"ostiary/identity/mail/letter_{number:03}.py": "1" for number in range(60)}
    found = difference(
        snapshot(), snapshot(NEW), {"identity": ({"x.py": "1"}, after | {"x.py": "1"})}
    )
    (release,) = found.releases
    assert (len(release.added), release.files, release.risk) == (50, 60, Risk.LOW)


@pytest.mark.parametrize(
    ("name", "area"),
    [
        ("ostiary/identity/store/engine.py", "store"),
        ("ostiary/identity/wiring.py", "start and wiring"),
        ("ostiary/kernel/clock.py", "kernel"),
        ("ostiary/cli/main.py", "control plane"),
        ("branding/logo.py", "other files"),
    ],
)
def test_a_file_belongs_to_the_part_of_its_place(name: str, area: str) -> None:
    assert area_of(name).name == area


def test_byte_code_and_package_data_are_not_compared() -> None:
    assert not served("ostiary/__pycache__/a.pyc")
    assert not served("ostiary-0.1.dist-info/RECORD")
    assert served("ostiary/identity/pages/style.css")
    assert not is_migration("ostiary/identity/store/migrations/versions/__init__.py")

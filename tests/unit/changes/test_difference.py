"""What a reviewer is told about a change."""

from typing import Any

import pytest

from ostiary.changes import explanations
from ostiary.changes.difference import difference
from ostiary.changes.explanations import Risk, explain
from ostiary.changes.identity_settings import IdentitySettings
from ostiary.changes.release_areas import area_of, is_migration, served
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.snapshot_settings import SnapshotSettings

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


@pytest.mark.parametrize("table", ["identity", "edge"])
def test_every_setting_is_explained(table: str) -> None:
    model = IdentitySettings if table == "identity" else type(SnapshotSettings().edge)
    unexplained = [
        key
        for key in model.model_fields
        if explain(f"{table}.{key}") is explanations.explain("no.such.key")
    ]
    assert unexplained == []


def test_no_explanation_is_of_a_key_that_is_gone() -> None:
    keys = {f"identity.{key}" for key in IdentitySettings.model_fields}
    keys |= {f"edge.{key}" for key in type(SnapshotSettings().edge).model_fields}
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

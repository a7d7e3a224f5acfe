"""A snapshot is named by its content, and its file is trusted only as far as its name says."""

import json
import os
import stat
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.configuration import load_configuration
from ostiary.changes.snapshot import Snapshot, SnapshotStore
from ostiary.kernel.errors import OstiaryError, UsageError

RELEASES = {"identity": "a" * 64}
SETTINGS = {"identity": {"threads": 4}, "flags": {}, "edge": {}, "services": {}}


@pytest.fixture
def store(tmp_path):
    return SnapshotStore(tmp_path / "snapshots")


def file_of(tmp_path, snapshot):
    return tmp_path / "snapshots" / f"{snapshot.id}.json"


def test_the_id_is_the_hash_of_releases_and_settings_in_canonical_json():
    text = (
        '{"releases":{"identity":"' + "a" * 64 + '"},'
        '"settings":{"edge":{},"flags":{},"identity":{"threads":4},"services":{}}}'
    )

    assert Snapshot.of(RELEASES, SETTINGS).id == f"s-{sha256(text.encode()).hexdigest()[:12]}"


def test_a_snapshot_comes_back_as_it_was_added(store):
    snapshot = store.add(RELEASES, SETTINGS)

    assert store.get(snapshot.id) == snapshot
    assert snapshot.releases == RELEASES
    assert snapshot.settings == SETTINGS


def test_the_settings_of_a_configuration_survive_the_file(store):
    settings = load_configuration(None).snapshot_settings.to_snapshot()

    assert store.get(store.add(RELEASES, settings).id).settings == settings


def test_adding_the_same_content_again_changes_nothing(store, tmp_path):
    first = store.add(RELEASES, SETTINGS)
    before = file_of(tmp_path, first).stat()

    again = store.add(dict(RELEASES), json.loads(json.dumps(SETTINGS)))

    after = file_of(tmp_path, first).stat()
    assert again == first
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert store.list_() == [first]


def test_other_content_is_another_snapshot(store):
    first = store.add(RELEASES, SETTINGS)
    others = [
        store.add({"identity": "b" * 64}, SETTINGS),
        store.add(RELEASES, SETTINGS | {"flags": {"new": True}}),
    ]

    assert len({first.id, *(other.id for other in others)}) == 3
    assert [s.id for s in store.list_()] == sorted([first.id, *(o.id for o in others)])


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.booleans() | st.text(max_size=5)))
def test_the_order_of_keys_does_not_matter(flags):
    turned = dict(reversed(flags.items()))

    assert Snapshot.of(RELEASES, {"flags": flags}) == Snapshot.of(RELEASES, {"flags": turned})


def test_later_changes_of_what_was_passed_in_do_not_reach_the_snapshot(store):
    settings = json.loads(json.dumps(SETTINGS))
    snapshot = store.add(RELEASES, settings)
    settings["identity"]["threads"] = 8

    assert snapshot.settings == SETTINGS
    assert store.get(snapshot.id).settings == SETTINGS


def test_only_the_owner_can_read_a_snapshot(store, tmp_path):
    snapshot = store.add(RELEASES, SETTINGS)

    assert stat.S_IMODE(file_of(tmp_path, snapshot).stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["s-000000000000", "", "../guard", "s-../../x", "s-*", "x" * 500])
def test_an_unknown_id_is_wrong_usage(store, name):
    store.add(RELEASES, SETTINGS)

    with pytest.raises(UsageError) as caught:
        store.get(name)

    assert caught.value.code == "snapshot_not_found"


def test_an_empty_store_lists_nothing(store):
    assert store.list_() == []


def tampered(content):
    value = json.loads(content)
    value["settings"]["identity"]["threads"] = 5
    return json.dumps(value).encode()


@pytest.mark.parametrize(
    "change",
    [
        tampered,
        lambda content: content[: len(content) // 2],
        lambda content: b"",
        lambda content: b"[]",
        lambda content: b"\xff" + content,
        lambda content: json.dumps(json.loads(content) | {"more": 1}).encode(),
        lambda content: json.dumps({"id": json.loads(content)["id"]}).encode(),
        lambda content: json.dumps(json.loads(content) | {"settings": 5}).encode(),
        lambda content: b"[" * 100_000,
    ],
)
def test_a_changed_file_is_refused_and_mended_by_adding_again(store, tmp_path, change):
    snapshot = store.add(RELEASES, SETTINGS)
    file = file_of(tmp_path, snapshot)
    file.write_bytes(change(file.read_bytes()))

    with pytest.raises(OstiaryError) as caught:
        store.get(snapshot.id)
    assert caught.value.code == "snapshot_damaged"
    assert snapshot.id in caught.value.message

    assert store.add(RELEASES, SETTINGS) == snapshot
    assert store.get(snapshot.id) == snapshot


def test_a_snapshot_under_the_name_of_another_is_refused(store, tmp_path):
    one = store.add(RELEASES, SETTINGS)
    other = store.add({"identity": "b" * 64}, SETTINGS)
    os.replace(file_of(tmp_path, one), file_of(tmp_path, other))

    with pytest.raises(OstiaryError) as caught:
        store.get(other.id)

    assert caught.value.code == "snapshot_damaged"


def test_a_directory_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "snapshots").write_text("a file")

    with pytest.raises(OstiaryError) as caught:
        SnapshotStore(tmp_path / "snapshots").add(RELEASES, SETTINGS)

    assert caught.value.code == "snapshot_not_written"

import json
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.edge.access_stats import MAX_COUNTERS
from ostiary.edge.files import XdsDirectory, XdsFiles, holds, render, with_kept, xds_file
from ostiary.edge.fleet import leftover_indexes
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.route_classes import CLASS_NAMES, Arm, Served
from ostiary.edge.unavailable import local_replies
from ostiary.kernel.outcomes import Outcome
from tests.unit.edge.test_model import ARM, MODEL

STABLE_ONLY = replace(MODEL, canary=None)


def _render(model: EdgeModel, directory: Path) -> XdsFiles:
    place = EdgePlace(directory, "127.0.0.1", 8000, "a-very-secret-token", Path("/envoy"))
    return render(model, place)


def test_a_version_changes_with_the_content_and_the_routes_carry_the_model_s(
    tmp_path: Path,
) -> None:
    first = _render(MODEL, tmp_path)
    renamed = _render(replace(MODEL, version="v2"), tmp_path)
    shifted = _render(replace(MODEL, canary=replace(ARM, share=0.2)), tmp_path)

    assert first.routes.version.startswith("v1/")
    assert renamed.routes.version.startswith("v2/")
    assert renamed.clusters == first.clusters == shifted.clusters
    assert renamed.listeners == first.listeners == shifted.listeners
    assert shifted.routes.version != first.routes.version


def test_a_file_is_read_back_as_it_was_written_and_only_its_owner_can(tmp_path: Path) -> None:
    directory = XdsDirectory(tmp_path)
    files = _render(MODEL, tmp_path)
    for file in (files.clusters, files.listeners, files.routes):
        assert directory.read(file.name) is None
        directory.write(file)
        assert directory.read(file.name) == file

    for path in (tmp_path / "xds").rglob("*.json"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"resources": 1}', b"\xff"])
def test_a_file_that_cannot_be_read_is_none(content: bytes, tmp_path: Path) -> None:
    directory = XdsDirectory(tmp_path)
    (tmp_path / "xds" / "cds" / "cds.json").write_bytes(content)
    assert directory.read("cds.json") is None


def test_a_rollback_needs_no_new_cluster_and_a_canary_does(tmp_path: Path) -> None:
    without = _render(STABLE_ONLY, tmp_path).clusters
    with_canary = _render(MODEL, tmp_path).clusters

    assert holds(with_canary, without)
    assert not holds(without, with_canary)
    assert not holds(None, without)


def test_clusters_that_routes_still_lead_to_are_kept_until_later(tmp_path: Path) -> None:
    old = _render(MODEL, tmp_path).clusters
    moved = replace(STABLE_ONLY, stable=(replace(MODEL.stable[0], port=4999),))
    new = _render(moved, tmp_path).clusters

    kept = with_kept(new, old)

    assert [each["name"] for each in kept.resources] == ["stable", "canary", "pinned"]
    assert kept.resources[0] == new.resources[0]
    assert with_kept(new, None) == new
    assert with_kept(new, new) == new


def test_only_the_routes_hold_the_token(tmp_path: Path) -> None:
    files = _render(MODEL, tmp_path)
    assert b"a-very-secret-token" in files.routes.content()
    assert b"a-very-secret-token" not in files.clusters.content() + files.listeners.content()


def test_the_same_resources_have_the_same_version() -> None:
    first = xds_file("cds.json", [{"name": "a", "type": "STATIC"}])
    assert first == xds_file("cds.json", [{"type": "STATIC", "name": "a"}])


def test_counters_have_room_for_all_that_the_closed_lists_can_make() -> None:
    routes = len(CLASS_NAMES) * len(Arm)
    assert routes * len(Served) * 2 * len(Outcome) < MAX_COUNTERS


def test_the_page_shows_a_status_address_only_where_there_is_one() -> None:
    assert "status page" not in json.dumps(local_replies("", {}))
    assert "https://status.example.org/?a=1&amp;b=2" in json.dumps(
        local_replies("https://status.example.org/?a=1&b=2", {})
    )


def test_records_beyond_the_wanted_number_are_found(tmp_path: Path) -> None:
    for name in ("envoy-0.json", "envoy-1.json", "envoy-12.json", "envoy-x.json", "envoy-3.log"):
        (tmp_path / name).touch()
    assert leftover_indexes(tmp_path, 1) == [1, 12]

"""What of `[edge]` a running system can change, and what a change of it needs."""

from dataclasses import replace
from typing import Any

import pytest

from ostiary.changes.configuration import SnapshotSettings
from ostiary.changes.edge_change import (
    FIXED_KEYS,
    at_start,
    changes_edge_only,
    require_changeable_edge,
)
from ostiary.changes.edge_settings import EdgeSettings
from ostiary.changes.snapshot import Snapshot
from ostiary.kernel.errors import RefusedError

CHANGEABLE = {
    "balancer": "maglev",
    "weights": [2, 1],
    "capacity": [40.0, 20.0],
    "peak": 60.0,
    "key_skew": 1.1,
    "hash_keys": 1000,
    "per_try_timeout_seconds": 3.0,
    "status_url": "https://status.example.com",
    "popup_sign_in": True,
    "hsts_seconds": 600,
}
BASE = SnapshotSettings().to_snapshot()


def snapshot(name: str = "s-1", release: str = "r", **edge: Any) -> Snapshot:
    return Snapshot(name, {"identity": release}, {**BASE, "edge": BASE["edge"] | edge})


@pytest.mark.parametrize(("key", "value"), CHANGEABLE.items())
def test_how_requests_are_spread_can_change(key, value):
    require_changeable_edge(BASE["edge"] | {key: value}, BASE["edge"])


def test_what_cannot_change_is_named_all_at_once_with_what_to_do():
    proposed = BASE["edge"] | {"listen": "127.0.0.1:9000", "envoys": 3, "weights": [2, 1]}
    with pytest.raises(RefusedError) as caught:
        require_changeable_edge(proposed, BASE["edge"])
    assert "`edge.listen`, `edge.envoys`" in str(caught.value)
    assert "weights" not in str(caught.value)
    assert "ostiary down" in (caught.value.hint or "")


def test_a_start_takes_from_the_file_only_what_no_change_can_alter():
    served = EdgeSettings(weights=(2, 1), listen="127.0.0.1:8000")
    file = EdgeSettings(weights=(1, 1), listen="127.0.0.1:9000")
    assert at_start(served, file) == EdgeSettings(weights=(2, 1), listen="127.0.0.1:9000")


def test_every_key_can_change_or_cannot():
    known = {*FIXED_KEYS, *CHANGEABLE, "hash_on"}
    assert known == set(EdgeSettings.model_fields)
    assert not set(FIXED_KEYS) & set(CHANGEABLE)


def test_an_older_snapshot_without_the_new_keys_has_their_defaults():
    older = {
        key: value for key, value in BASE["edge"].items() if key not in ("balancer", "weights")
    }
    require_changeable_edge(BASE["edge"], older)
    assert changes_edge_only(snapshot(), replace(snapshot(), settings={**BASE, "edge": older}))


def test_replicas_stay_where_nothing_that_they_were_told_changes():
    assert changes_edge_only(snapshot("s-2", weights=[2, 1]), snapshot())
    assert not changes_edge_only(snapshot("s-2", release="other"), snapshot())
    assert not changes_edge_only(
        snapshot("s-2", status_url="https://status.example.com"), snapshot()
    )
    told = {**BASE, "flags": {"new": True}}
    assert not changes_edge_only(replace(snapshot(), settings=told), snapshot())

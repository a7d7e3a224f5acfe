import pytest

from ostiary.cli.bench import _require_calm, _targets
from ostiary.kernel.errors import ExitCode, NotRunningError, RefusedError

REPLICA = {"name": "identity-1", "port": 41001, "snapshot": "s-1"}
STATUS = {
    "issuer": "https://login.example",
    "last_good": "s-3",
    "serving": "s-1",
    "change": None,
}
"""What serves was started for `s-1`; only the edge has changed since."""


def test_nothing_is_measured_while_a_change_is_judged() -> None:
    _require_calm(STATUS)
    with pytest.raises(RefusedError, match="c-7") as caught:
        _require_calm({**STATUS, "change": {"change": "c-7"}})
    assert caught.value.exit_code is ExitCode.REFUSED


def test_replicas_of_the_last_good_snapshot_are_measured_at_their_own_ports() -> None:
    replicas = [REPLICA, {**REPLICA, "name": "identity-2", "snapshot": "s-2"}]
    (target,) = _targets({**STATUS, "replicas": replicas})
    assert (target.name, target.base_url) == ("identity-1", "http://127.0.0.1:41001")
    assert target.issuer == "https://login.example"


def test_without_a_replica_there_is_nothing_to_measure() -> None:
    with pytest.raises(NotRunningError):
        _targets({**STATUS, "replicas": []})

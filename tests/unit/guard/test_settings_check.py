"""The guard checks a settings file beside the settings that it serves."""

from types import SimpleNamespace

import pytest

from ostiary.changes import checks
from ostiary.changes.load.known import NO_LOAD_KNOWN
from ostiary.changes.rules.finding import Finding
from ostiary.changes.snapshot import SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard.settings_check import check_settings
from ostiary.kernel.errors import UsageError
from tests.fakes.clock import FakeClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def no_keys() -> None:
    return None


@pytest.fixture
def parts(tmp_path):
    snapshots = SnapshotStore(tmp_path / "snapshots")
    served = snapshots.add({"identity": "r1"}, SnapshotSettings().to_snapshot())
    return SimpleNamespace(
        snapshots=snapshots,
        plane=SimpleNamespace(last_good=served.id, serving=served.id),
        clock=FakeClock(),
        issuer="http://127.0.0.1:8000",
        load=SimpleNamespace(known=lambda *_: NO_LOAD_KNOWN),
        admin=SimpleNamespace(seconds_until_claimable=no_keys),
    )


async def test_rules_that_compare_see_what_is_served(tmp_path, parts, monkeypatch):
    def fewer_threads(configuration, surroundings):
        served = surroundings.last_good.identity.threads
        if configuration.snapshot_settings.identity.threads < served:
            yield Finding(("identity", "threads"), "fewer", f"Served: {served}.", "Write more.")

    monkeypatch.setattr(checks, "COMPARING_RULES", (fewer_threads,))
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\nthreads = 3\n")

    answer = await check_settings({"config": str(file)}, parts)

    assert answer["compared_with"] == parts.plane.last_good
    assert answer["ok"] is False
    assert [row["share"] for row in answer["load"]] == [0.5, 0.5]
    (problem,) = answer["problems"]
    assert (problem["line"], problem["code"], problem["message"]) == (2, "fewer", "Served: 4.")


@pytest.mark.parametrize("body", [{}, {"config": ""}, {"config": "/nowhere/ostiary.toml"}])
async def test_without_a_file_it_is_wrong_usage(parts, body):
    with pytest.raises(UsageError):
        await check_settings(body, parts)

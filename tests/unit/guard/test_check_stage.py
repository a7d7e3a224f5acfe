"""The check stage of one change after the other."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from ostiary.changes.actions import RunChecks
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.check_stage import CheckStage
from ostiary.guard.plane import DataPlane
from ostiary.guard.service_groups import ServiceGroups
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.problems import Problem
from ostiary.runtime.releases import ReleaseStore

pytestmark = pytest.mark.anyio
PROBLEM = Problem("o.toml", 3, "identity.threads", "too_few", "Zero is too few.", "Write 4.")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Place:
    def __init__(self, root: Path) -> None:
        package = root / "code" / "ostiary" / "identity"
        package.mkdir(parents=True)
        for name in ("__init__.py", "__main__.py", "../__init__.py"):
            (package / name).touch()
        self.releases = ReleaseStore(root / "releases")
        self.release = self.releases.import_release(root / "code")
        self.snapshot = Snapshot.of({"identity": self.release.hash}, {})
        self.judged: list[str] = []
        plane = SimpleNamespace(prevalidate=self._prevalidate, services=ServiceGroups())
        self.stage = CheckStage(cast("DataPlane", plane), self.releases)

    async def _prevalidate(self, snapshot: str) -> None:
        self.judged.append(snapshot)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


async def test_what_the_rules_found_refuses_the_change_with_file_line_and_key(place: Place) -> None:
    place.stage.expect("c-1", (PROBLEM,))
    checked = await place.stage.run(RunChecks("all"), "c-1", place.snapshot)
    (reason,) = checked.problems
    assert not checked.ok
    assert reason.text == "o.toml:3: Zero is too few. Write 4."
    assert reason.numbers == {"file": "o.toml", "line": 3, "key": "identity.threads"}
    assert place.judged == []


async def test_findings_of_one_change_say_nothing_about_the_next(place: Place) -> None:
    place.stage.expect("c-1", (PROBLEM,))
    place.stage.expect("c-2", ())
    assert (await place.stage.run(RunChecks("all"), "c-2", place.snapshot)).ok
    assert (await place.stage.run(RunChecks("all"), "c-1", place.snapshot)).ok
    assert place.judged == [place.snapshot.id] * 2


async def test_a_release_that_is_not_whole_is_refused_whatever_is_skipped(place: Place) -> None:
    path = place.release.directory / "ostiary" / "__init__.py"
    path.chmod(0o644)
    path.write_text("x = 1\n")
    checked = await place.stage.run(RunChecks("parse"), "c-1", place.snapshot)
    assert [reason.code for reason in checked.problems] == ["release_changed"]
    assert place.judged == []


async def test_what_envoy_refuses_is_told_by_whoever_carries_out_the_action(place: Place) -> None:
    async def refuse(_: str) -> None:
        raise RefusedError("edge_refused", "no such cluster")

    plane = cast("DataPlane", SimpleNamespace(prevalidate=refuse))
    with pytest.raises(RefusedError):
        await CheckStage(plane, place.releases).run(RunChecks("all"), "c-1", place.snapshot)

"""When last good itself breaks, the release that mends it must get through, and no other one."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ostiary.guard.client import GuardClient
from tests.guarded import releases
from tests.guarded.broken_releases import SECOND_REFRESH
from tests.guarded.conftest import QUICK, running_with
from tests.guarded.releases import Fault, make_release
from tests.guarded.test_bad_releases import propose, require_as_it_was
from tests.guarded.waiting import wait_for
from tests.system import RunningSystem

# One system for all of them, in their order; `tests/workers.py` knows that.
pytestmark = pytest.mark.system


@dataclass(frozen=True)
class Site:
    """A system whose last good version signs nobody in since a file exists."""

    system: RunningSystem
    directory: Path
    first: str
    """The snapshot before, from whose code the next releases are made."""

    def release(self, name: str, *faults: Fault) -> Path:
        return make_release(self.system.data, self.first, self.directory / name, *faults)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("broken-last-good")
    settings, expired = directory / "ostiary.toml", directory / "expired"
    settings.write_text(QUICK)
    with running_with(settings, directory / "data") as system:
        site = Site(system, directory, str(system.status()["last_good"]))
        code, result = propose(system, site.release("breaks later", breaks_with(expired)))
        assert (code, result["verdict"]) == (0, "promoted"), result
        expired.touch()
        yield site


def breaks_with(file: Path) -> Fault:
    """Return the mistake of a release that works until something outside it has expired."""
    return Fault(
        releases.MIDDLEWARE,
        releases.ANSWER_LINE,
        f"        if __import__('os').path.exists({str(file)!r}):\n"
        '            posted = request.method == "POST"\n'
        '            if posted and request.path in ("/sign-in", "/oauth2/token"):\n'
        '                raise RuntimeError("the licence has expired")\n' + releases.ANSWER_LINE,
    )


def test_another_broken_release_is_refused_for_its_own_mistake(site):
    code, result = propose(site.system, site.release("no better", SECOND_REFRESH.fault))
    assert (code, result["verdict"], result["stage"]) == (4, "refused", "rehearse"), result
    assert SECOND_REFRESH.words in json.dumps(result["reasons"]), result


def test_one_that_breaks_in_the_same_way_is_refused(site):
    code, result = propose(site.system, site.release("the same", releases.RAISES_AT_TOKENS))
    assert (code, result["verdict"], result["stage"]) == (4, "refused", "rehearse"), result
    assert all("candidate" in reason["text"] for reason in result["reasons"]), result


def test_a_canary_is_taken_back_though_nobody_can_sign_in(site):
    guard, before = GuardClient(site.system.data), site.system.status()
    path = site.release("tried meanwhile", releases.HEALTHY)
    options = ("--release", str(path), "--from", "canary")
    change = str(site.system.ostiary("change", "propose", *options)["change"])
    wait_for(lambda: guard.get(f"/changes/{change}")["share"], "the first user's share")
    guard.post(f"/changes/{change}/rollback", {})
    wait_for(lambda: guard.get("/status")["change"] is None, "the end of the change")

    shown = site.system.change(change)
    assert shown["verdict"] == "rolled_back", shown
    assert shown["withdrawal"]["edge_seconds"] is not None, shown
    # Its proof is journeys through the edge, and these need last good to sign them in.
    assert shown["withdrawal"]["journeys_seconds"] is None, shown
    assert "unproven" in [reason["code"] for reason in shown["reasons"]], shown
    require_as_it_was(site.system, before)


def test_the_release_that_mends_it_is_promoted_and_the_change_tells_what_it_was_not_held_against(
    site,
):
    code, result = propose(site.system, site.release("mended", releases.HEALTHY))
    assert (code, result["verdict"], result["stage"]) == (0, "promoted", "good"), result
    assert site.system.status()["last_good"] == result["snapshot"]
    shown = site.system.change(result["change"])
    told = [reason for reason in shown["reasons"] if reason["code"] == "last_good_fails"]
    classes = {str(reason["numbers"]["stratum"]).partition(".")[0] for reason in told}
    assert classes == {"sign_in", "token"}, shown

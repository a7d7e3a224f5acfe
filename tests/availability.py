"""What a machine has beyond Python: Chromium for `browser` tests, Node and npm for `node` tests,
Redis for `redis` tests, the right to mount a file system for `disk` tests, the right to act as
other users for `users` tests, a fuzzer for `fuzzer` tests, and a package registry for `registry`
tests.

Where it is missing, the tests that want it are taken out of the run and named at its end. With
`CI=true` they fail instead, so that a machine which should run them cannot pass without. Not so
`disk` tests: a container mostly cannot be given that right, whatever is installed in it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.disk import can_mount
from tests.other_users import as_user

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NODE_MAJOR_MIN = 20
NO_DISK = "no right to mount a disk"

_NOT_RUN = pytest.StashKey[dict[str, list[str]]]()


@cache
def find_chromium() -> Path | None:
    """Return the browser named by `OSTIARY_CHROMIUM`, else the first one on the path."""
    named = os.environ.get("OSTIARY_CHROMIUM")
    for name in (named,) if named else CHROMIUM_NAMES:
        found = shutil.which(name)
        if found:
            return Path(found)
    return None


@cache
def find_npm() -> Path | None:
    """Return npm, where it stands beside a Node that is new enough for `openid-client`."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    result = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = result.stdout.strip().removeprefix("v").partition(".")[0]
    return Path(npm) if major.isdigit() and int(major) >= NODE_MAJOR_MIN else None


@cache
def find_redis() -> Path | None:
    """Return the machine's own Redis, else the one that a wheel has put beside this Python."""
    beside = Path(sys.executable).with_name("redis-server")
    found = shutil.which("redis-server")
    return Path(found) if found else beside if beside.is_file() else None


@cache
def can_act_as_others() -> bool:
    """Return whether a process of another user can be started; see `tests.other_users`."""
    if shutil.which("setpriv") is None:
        return False
    command = [*as_user(1001), "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@cache
def can_install() -> bool:
    """Return whether packages can be had, by the settings for uv and pip that there are."""
    python = [sys.executable, "-m", "uv", "pip", "install", "--dry-run", "--no-cache"]
    with tempfile.TemporaryDirectory() as target:
        command = [*python, "--target", target, "--quiet", "hatchling"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def has_atheris() -> bool:
    """Return whether the fuzzer is installed; its wheels are for few machines."""
    return find_spec("atheris") is not None


WANTED: dict[str, tuple[Callable[[], object], str]] = {
    "browser": (find_chromium, "no Chromium found"),
    "node": (find_npm, f"no Node {NODE_MAJOR_MIN} or newer with npm found"),
    "redis": (find_redis, "no Redis found"),
    "disk": (can_mount, NO_DISK),
    "users": (can_act_as_others, "neither root nor sudo"),
    "fuzzer": (has_atheris, "no atheris for this Python and machine"),
    "registry": (can_install, "no package registry"),
}
"""By the mark of a test: what tells whether the machine has what it wants, and what to say."""


def reason_not_to_run(item: pytest.Item) -> str | None:
    """Return what the machine lacks for a test, or None where it lacks nothing."""
    for mark, (found, otherwise) in WANTED.items():
        if item.get_closest_marker(mark) and not found():
            return otherwise
    return None


def in_ci() -> bool:
    """Return whether this run has to have everything."""
    return os.environ.get("CI", "").lower() == "true"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take out what cannot run here, after `-m` and `-k` took out what nobody asked for."""
    kept: list[pytest.Item] = []
    not_run: dict[str, list[str]] = defaultdict(list)
    removed: list[pytest.Item] = []
    for item in items:
        reason = reason_not_to_run(item)
        if reason is None or (in_ci() and reason != NO_DISK):
            kept.append(item)
        else:
            not_run[reason].append(item.nodeid)
            removed.append(item)
    config.stash[_NOT_RUN] = dict(not_run)
    if removed:
        config.hook.pytest_deselected(items=removed)
        items[:] = kept


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over, in a worker, what is not run: the process that prints collects nothing."""
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["not_run"] = session.config.stash.get(_NOT_RUN, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker did not run; all workers find the same."""
    not_run = (getattr(node, "workeroutput", None) or {}).get("not_run")
    if not_run:
        node.config.stash[_NOT_RUN] = not_run


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail, in CI, what the machine cannot run."""
    reason = reason_not_to_run(item)
    if reason is not None:
        pytest.fail(f"{reason}, and CI=true wants every test to run", pytrace=False)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name every test that was not run, and why."""
    for reason, names in config.stash.get(_NOT_RUN, {}).items():
        terminalreporter.section(f"not run ({reason})", sep="-")
        for name in names:
            terminalreporter.line(f"not run ({reason}): {name}")

"""What source files say, and must not say."""

import ast
import re
from pathlib import Path

from tests.tidy.repository import MIGRATIONS, ROOT, files_ending, modules, project_files, read

UNFINISHED = re.compile(r"TODO|FIXME|XXX|raise NotImplemented|# stub|pragma: no cover")
SKIPPED = re.compile(r"pytest\.(skip|mark\.skip|mark\.xfail|importorskip)|assert\s+True")
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
PUBLIC_HOSTS = {
    "pypi.org",
    "files.pythonhosted.org",
    "registry.npmjs.org",
    "github.com",
    "opencollective.com",  # where packages ask for money
}
LOCK_FILES = ("uv.lock", "package-lock.json")


def machine_directories() -> list[str]:
    """Return directories that exist on one machine only: this checkout, homes, work places."""
    usual = [f"/{name}/" for name in ("home", "root", "Users", "work")]
    return [*usual, f"{ROOT}/", f"{Path.home()}/"]


def lines_matching(pattern: re.Pattern[str], *, prefix: str) -> list[str]:
    """Return each place in the Python files below a directory that a pattern is found."""
    return [
        f"{name}:{number}: {line.strip()}"
        for name in files_ending(".py")
        if name.startswith(prefix)
        for number, line in enumerate(read(name).splitlines(), start=1)
        if pattern.search(line)
    ]


def test_nothing_in_src_is_unfinished() -> None:
    assert lines_matching(UNFINISHED, prefix="src/") == []


def test_no_test_is_skipped_or_expected_to_fail() -> None:
    assert lines_matching(SKIPPED, prefix="tests/") == []


def test_modules_are_named_by_what_they_are_about() -> None:
    assert [m.path for m in modules() if VAGUE_NAMES.intersection(Path(m.path).parts)] == []
    assert [m.path for m in modules() if Path(m.path).stem in VAGUE_NAMES] == []


def test_every_module_and_package_says_what_it_is_about() -> None:
    silent = [
        module.path
        for module in modules()
        if not (ast.get_docstring(module.tree) or "").partition("\n")[0].rstrip().endswith(".")
    ]
    assert [path for path in silent if not path.startswith(MIGRATIONS)] == []


def test_every_package_is_a_package() -> None:
    directories = {Path(module.path).parent for module in modules()}
    assert [str(d) for d in sorted(directories) if not (ROOT / d / "__init__.py").is_file()] == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    patterns = [re.compile(rf"(?<![\w.*-]){re.escape(d)}") for d in machine_directories()]
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name in project_files()
        if not name.endswith(LOCK_FILES) and name != "LICENSE"
        for number, line in enumerate(
            (ROOT / name).read_text(errors="replace").splitlines(), start=1
        )
        if any(pattern.search(line) for pattern in patterns)
    ]
    assert found == []


def test_lock_files_name_public_registries_only() -> None:
    hosts = {
        host
        for name in project_files()
        if name.endswith(LOCK_FILES)
        for host in re.findall(r'"(?:[a-z+]+)://([^/"]+)', read(name))
    }
    assert hosts - PUBLIC_HOSTS == set()

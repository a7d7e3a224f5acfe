"""The files of the project, as the tidiness tests see them."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ostiary"
MIGRATIONS = "src/ostiary/identity/store/migrations/versions/"
"""Migrations are lists of tables and columns, written once and never changed."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """A Python file of `src`, parsed."""

    path: str
    text: str
    tree: ast.Module

    @property
    def line_count(self) -> int:
        """The number of lines of the file."""
        return len(self.text.splitlines())

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Yield every function with its name as `<path>:<class>.<function>`."""
        return _functions(self.tree, f"{self.path}:")


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, Function]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Function):
            yield prefix + child.name, child
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        else:
            yield from _functions(child, prefix)


def _listed_by_git() -> list[str] | None:
    git = shutil.which("git")
    if git is None:
        return None
    listing = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return listing.stdout.split("\0") if listing.returncode == 0 else None


@cache
def project_files() -> tuple[str, ...]:
    """Return what belongs to the project: tracked files and new ones that are not ignored.

    Without Git, or outside a checkout, it is everything that `.gitignore` does not name.
    """
    listed = _listed_by_git()
    if listed is not None:
        return tuple(sorted(name for name in listed if name and (ROOT / name).is_file()))
    ignored = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    ignored.add(".git")
    return tuple(
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*"))
        if path.is_file() and not ignored.intersection(path.relative_to(ROOT).parts)
    )


def files_ending(*suffixes: str) -> tuple[str, ...]:
    """Return the project's files with one of these endings."""
    return tuple(name for name in project_files() if name.endswith(suffixes))


@cache
def modules() -> tuple[Module, ...]:
    """Return every module of `src`."""
    found = []
    for name in files_ending(".py"):
        if name.startswith("src/"):
            text = (ROOT / name).read_text()
            found.append(Module(name, text, ast.parse(text, name)))
    return tuple(found)


def read(name: str) -> str:
    """Return the text of a file of the project."""
    return (ROOT / name).read_text()

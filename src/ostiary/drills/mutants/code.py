"""Mutants of identity's code: one fault in one module each, drawn from a seed."""

import difflib
from collections.abc import Iterator
from pathlib import Path

from ostiary.drills.mutants.model import Mutant, MutantKind, choose
from ostiary.drills.mutants.operators import Operators
from ostiary.kernel.ids import SeededRandom

_IDENTITY = Path("ostiary/identity")
_LEFT_OUT = "migrations"
"""What a migration does is tried by itself, and the revisions of a store that is there are done."""

_TRIES_EACH = 200


def code_mutants(release: Path, count: int, seed: int) -> Iterator[Mutant]:
    """Yield so many different mutants of the release in a directory; the same for the same seed.

    A module is drawn by its lines. Fewer come where the release offers no more. Raises `UsageError`
    where the mutation tool is not installed, and `OSError`.
    """
    operators = Operators()
    rng = SeededRandom(f"code:{seed}")
    modules = [
        (path.relative_to(release), path.read_text())
        for path in sorted((release / _IDENTITY).rglob("*.py"))
        if _LEFT_OUT not in path.parts
    ]
    lines = [(path, text) for path, text in modules for _ in text.splitlines()]
    seen: set[tuple[Path, str]] = set()
    for _ in range(count * _TRIES_EACH):
        if len(seen) == count or not lines:
            return
        path, text = choose(lines, rng)
        fault = operators.draw(text, rng)
        if fault is None or (path, fault.text) in seen:
            continue
        seen.add((path, fault.text))
        diff = unified_diff(str(path), text, fault.text)
        yield Mutant(MutantKind.CODE, len(seen), str(path), fault.line, fault.text, diff)


def unified_diff(name: str, before: str, after: str) -> str:
    """Return what differs, as reviewers read it, with one line around it."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, name, lineterm="", n=1
    )
    return "\n".join(lines)

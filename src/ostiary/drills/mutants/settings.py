"""Mutants of a settings file: one mistake each, of the kind that hands and editors make."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ostiary.changes.edge_change import FIXED_KEYS
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.drills.mutants.code import unified_diff
from ostiary.drills.mutants.model import Mutant, MutantKind, below, choose
from ostiary.kernel.ids import Random, SeededRandom

_NUMBER = re.compile(r"(?<![\w.\"])-?\d[\d_]*(?:\.\d+)?(?![\w.:])")
_OTHER_NUMBERS = ("0", "-1", "1", "2", "7", "99", "3600", "86400", "315360000", "0.5", "1e3", "nan")
_OTHER_VALUES = ("true", "false", '""', '"text"', "[]", "{}", "1979-05-27", "0.5", "null", "5m")
_CHARACTERS = "aeg_-=.\"'[]{}#,01 \t\\ü\u00a0"


@dataclass(frozen=True, slots=True)
class Mistake:
    """A text with a mistake, which mistake it is, and the lines (from 1) where it was made."""

    text: str
    kind: str
    lines: frozenset[int]


Mutation = Callable[[list[str], Random], frozenset[int] | None]
"""Changes the lines of a file; returns where, or None where nothing was to be changed."""


def mistakes(text: str, count: int, seed: int) -> list[Mistake]:
    """Return a text with so many different mistakes, the same ones for the same seed."""
    rng = SeededRandom(f"settings:{seed}")
    found: list[Mistake] = []
    seen = {text}
    while len(found) < count:
        mutation = choose(MUTATIONS, rng)
        lines = text.splitlines()
        where = mutation(lines, rng)
        changed = "\n".join(lines) + "\n"
        if where is not None and changed not in seen:
            seen.add(changed)
            found.append(Mistake(changed, mutation.__name__, where))
    return found


def written_out() -> str:
    """Return a settings file in which all that a running system can change has its default."""
    tables = SnapshotSettings().to_snapshot()
    lines: list[str] = []
    for name, left_out in (("identity", ()), ("edge", FIXED_KEYS)):
        lines += [f"[{name}]"]
        lines += [
            f"{key} = {json.dumps(value)}"
            for key, value in tables[name].items()
            if key not in left_out and value != ""
        ]
        lines += [""]
    return "\n".join(lines)


def settings_mutants(text: str, count: int, seed: int) -> Iterator[Mutant]:
    """Yield so many different mutants of a settings file; the same for the same seed."""
    for number, each in enumerate(mistakes(text, count, seed), start=1):
        diff = unified_diff("ostiary.toml", text, each.text)
        line = min(each.lines)
        yield Mutant(MutantKind.SETTINGS, number, "ostiary.toml", line, each.text, diff)


def _written(lines: list[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.strip()]


def delete_line(lines: list[str], rng: Random) -> frozenset[int]:
    """Leave a line out."""
    at = choose(_written(lines), rng)
    del lines[at]
    return frozenset({at, at + 1})


def duplicate_line(lines: list[str], rng: Random) -> frozenset[int]:
    """Write a line a second time, there or elsewhere."""
    at = choose(_written(lines), rng)
    lines.insert(choose([at, below(len(lines), rng)], rng), lines[at])
    return frozenset(range(1, len(lines) + 1))


def swap_lines(lines: list[str], rng: Random) -> frozenset[int]:
    """Let two lines change places."""
    one = choose(_written(lines), rng)
    other = choose([n for n in _written(lines) if n != one], rng)
    lines[one], lines[other] = lines[other], lines[one]
    return frozenset({one + 1, other + 1})


def change_number(lines: list[str], rng: Random) -> frozenset[int] | None:
    """Write another number."""
    at = choose([n for n in _written(lines) if _NUMBER.search(lines[n])], rng)
    found = choose(list(_NUMBER.finditer(lines[at])), rng)
    old = found.group()
    choices = (*_OTHER_NUMBERS, f"-{old}", f"{old}0", f"{old}000", old[0])
    lines[at] = lines[at][: found.start()] + choose(choices, rng) + lines[at][found.end() :]
    return frozenset({at + 1})


def change_type(lines: list[str], rng: Random) -> frozenset[int] | None:
    """Write a value of another type."""
    at = choose(_written(lines), rng)
    key, equals, value = lines[at].partition("=")
    if not equals:
        return None
    quoted = value.strip().strip('"') if '"' in value else f'"{value.strip()}"'
    lines[at] = f"{key}= {choose((quoted, *_OTHER_VALUES), rng)}"
    return frozenset({at + 1})


def change_character(lines: list[str], rng: Random) -> frozenset[int]:
    """Write one character wrong."""
    at = choose(_written(lines), rng)
    line, place = lines[at], below(len(lines[at]), rng)
    new = choose((*_CHARACTERS, "", line[place] * 2, line[place].swapcase()), rng)
    lines[at] = line[:place] + new + line[place + 1 :]
    return frozenset({at + 1})


def swap_characters(lines: list[str], rng: Random) -> frozenset[int] | None:
    """Let two neighbouring characters change places."""
    at = choose(_written(lines), rng)
    line = lines[at]
    if len(line) == 1:
        return None
    place = below(len(line) - 1, rng)
    lines[at] = line[:place] + line[place + 1] + line[place] + line[place + 2 :]
    return frozenset({at + 1})


def cut_off(lines: list[str], rng: Random) -> frozenset[int]:
    """End the file in the middle of a line."""
    at = choose(_written(lines), rng)
    lines[at] = lines[at][: below(len(lines[at]), rng)]
    del lines[at + 1 :]
    return frozenset({at + 1})


MUTATIONS: tuple[Mutation, ...] = (
    delete_line,
    duplicate_line,
    swap_lines,
    change_number,
    change_number,
    change_type,
    change_character,
    swap_characters,
    cut_off,
)

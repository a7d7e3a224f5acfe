"""Small mistakes in a settings file, drawn from a seed: the kind that hands and editors make."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = re.compile(r"(?<![\w.\"])-?\d[\d_]*(?:\.\d+)?(?![\w.:])")
_OTHER_NUMBERS = ("0", "-1", "1", "2", "7", "99", "3600", "86400", "315360000", "0.5", "1e3", "nan")
_OTHER_VALUES = ("true", "false", '""', '"text"', "[]", "{}", "1979-05-27", "0.5", "null", "5m")
_CHARACTERS = "aeg_-=.\"'[]{}#,01 \t\\ü\u00a0"


@dataclass(frozen=True, slots=True)
class Mutant:
    """A text with a mistake, which mistake it is, and the lines (from 1) where it was made."""

    text: str
    kind: str
    lines: frozenset[int]


Mutation = Callable[[list[str], random.Random], frozenset[int] | None]
"""Changes the lines of a file; returns where, or None where nothing was to be changed."""


def mutants(text: str, count: int, seed: int) -> list[Mutant]:
    """Return so many different mutants of a text, the same ones for the same seed."""
    rng, found, seen = random.Random(seed), [], {text}
    while len(found) < count:
        mutation = rng.choice(MUTATIONS)
        lines = text.splitlines()
        where = mutation(lines, rng)
        changed = "\n".join(lines) + "\n"
        if where is not None and changed not in seen:
            seen.add(changed)
            found.append(Mutant(changed, mutation.__name__, where))
    return found


def _written(lines: list[str]) -> list[int]:
    return [number for number, line in enumerate(lines) if line.strip()]


def delete_line(lines: list[str], rng: random.Random) -> frozenset[int]:
    at = rng.choice(_written(lines))
    del lines[at]
    return frozenset({at, at + 1})


def duplicate_line(lines: list[str], rng: random.Random) -> frozenset[int]:
    at = rng.choice(_written(lines))
    lines.insert(rng.choice([at, rng.randrange(len(lines))]), lines[at])
    return frozenset(range(1, len(lines) + 1))


def swap_lines(lines: list[str], rng: random.Random) -> frozenset[int]:
    one, other = rng.sample(_written(lines), 2)
    lines[one], lines[other] = lines[other], lines[one]
    return frozenset({one + 1, other + 1})


def change_number(lines: list[str], rng: random.Random) -> frozenset[int] | None:
    at = rng.choice([n for n in _written(lines) if _NUMBER.search(lines[n])])
    found = rng.choice(list(_NUMBER.finditer(lines[at])))
    old = found.group()
    choices = (*_OTHER_NUMBERS, f"-{old}", f"{old}0", f"{old}000", old[0])
    lines[at] = lines[at][: found.start()] + rng.choice(choices) + lines[at][found.end() :]
    return frozenset({at + 1})


def change_type(lines: list[str], rng: random.Random) -> frozenset[int] | None:
    at = rng.choice(_written(lines))
    key, equals, value = lines[at].partition("=")
    if not equals:
        return None
    quoted = value.strip().strip('"') if '"' in value else f'"{value.strip()}"'
    lines[at] = f"{key}= {rng.choice((quoted, *_OTHER_VALUES))}"
    return frozenset({at + 1})


def change_character(lines: list[str], rng: random.Random) -> frozenset[int]:
    at = rng.choice(_written(lines))
    line, place = lines[at], rng.randrange(len(lines[at]))
    new = rng.choice((*_CHARACTERS, "", line[place] * 2, line[place].swapcase()))
    lines[at] = line[:place] + new + line[place + 1 :]
    return frozenset({at + 1})


def swap_characters(lines: list[str], rng: random.Random) -> frozenset[int] | None:
    at = rng.choice(_written(lines))
    line = lines[at]
    if len(line) < 2:
        return None
    place = rng.randrange(len(line) - 1)
    lines[at] = line[:place] + line[place + 1] + line[place] + line[place + 2 :]
    return frozenset({at + 1})


def cut_off(lines: list[str], rng: random.Random) -> frozenset[int]:
    at = rng.choice(_written(lines))
    lines[at] = lines[at][: rng.randrange(len(lines[at]))]
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

"""Mistakes in a settings file are refused precisely, or do no harm.

`OSTIARY_MUTATION_SEED` chooses other mistakes; `make mutations` shows more of them harmless.
"""

import os
import re
from collections import Counter

import pytest

from ostiary.drills.mutants.settings import MUTATIONS, Mistake, mistakes
from tests.mutations.candidates import VALID, Judged, different_for_replicas, judge
from tests.mutations.rehearsing import rehearse

SEED = int(os.environ.get("OSTIARY_MUTATION_SEED", "34"))
COUNT = 140
SAMPLES = 3
SECONDS_MAX = 25.0
WAITED_FOR_MAX = 5
"""A rehearsal waits for a token to expire, and then for the leeway; a short run has less time."""


@pytest.fixture(scope="module")
def original():
    return judge(Mistake(VALID.read_text(), "none", frozenset()))


@pytest.fixture(scope="module")
def judged():
    print(f"OSTIARY_MUTATION_SEED={SEED}")
    return [judge(mutant) for mutant in mistakes(VALID.read_text(), COUNT, SEED)]


def statement_around(lines: list[str], number: int) -> set[int]:
    """Return the lines of the statement that a line belongs to: a list may take several."""
    first = last = number
    while first > 1 and not re.search("=|^$", lines[min(first, len(lines)) - 1]):
        first -= 1
    while last < len(lines) and not re.search("=|^$", lines[last]):
        last += 1
    return set(range(first, last + 1))


def is_told_precisely(each: Judged) -> bool:
    """Return whether a problem is at the mistake, or names what was written there."""
    lines = each.mutant.text.splitlines()
    written = [lines[n - 1] for n in each.mutant.lines if n <= len(lines)]
    words = {word.strip(" ,\"'") for line in written for word in line.split("=")} - {""}
    places = {place for n in each.mutant.lines for place in statement_around(lines, n)}
    return any(
        (problem.line and any(abs(problem.line - n) <= 1 for n in places))
        or any(word in problem.message + problem.hint for word in words)
        for problem in each.problems
    )


def test_the_valid_file_passes(original):
    assert original.problems == ()


def test_every_mistake_is_refused_precisely_or_passes(judged):
    for each in judged:
        if each.configuration is not None:
            continue
        assert each.problems, each
        assert is_told_precisely(each), each
        for problem in each.problems:
            assert problem.file == "valid.toml"
            assert problem.message, each
            assert problem.hint, each
            assert problem.line is not None or problem.key is not None, each


def test_the_mistakes_are_of_every_kind_and_most_are_refused(judged):
    kinds = Counter(each.mutant.kind for each in judged)
    assert set(kinds) == {mutation.__name__ for mutation in MUTATIONS}
    assert sum(1 for each in judged if each.problems) > COUNT / 2


def test_the_same_seed_makes_the_same_mistakes():
    text = VALID.read_text()
    assert mistakes(text, 20, SEED) == mistakes(text, 20, SEED)
    assert mistakes(text, 20, SEED) != mistakes(text, 20, SEED + 1)


@pytest.mark.system
def test_what_passes_does_no_harm_to_a_replica(judged, original, tmp_path):
    candidates = different_for_replicas(judged, original)
    quick = [
        each for each in candidates if each.identity["settings"]["leeway_seconds"] <= WAITED_FOR_MAX
    ]
    assert len(quick) >= SAMPLES
    # Spread over the list, since those that stand together come from no better a choice.
    chosen = quick[:: len(quick) // SAMPLES][:SAMPLES]

    tried = list(rehearse(original, chosen, tmp_path, seconds_max=SECONDS_MAX))

    assert tried
    for each, failures in tried:
        assert failures == [], (each.mutant.kind, sorted(each.mutant.lines), each.mutant.text)

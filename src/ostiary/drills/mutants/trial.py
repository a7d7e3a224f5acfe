"""The trial: mutants are drawn, proposed one after the other, and what passed is judged."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import ostiary
from ostiary.drills.mutants.cache import Cache, code_hash
from ostiary.drills.mutants.code import code_mutants
from ostiary.drills.mutants.model import Mutant, MutantKind, Passage, Trial
from ostiary.drills.mutants.settings import settings_mutants, written_out
from ostiary.drills.mutants.stages import Proving, proving_ground
from ostiary.drills.mutants.suite import Suite, find_suite
from ostiary.kernel.clock import Clock

Tell = Callable[[str], None]
"""Gets lines of progress."""


@dataclass(frozen=True, slots=True)
class TrialOrder:
    """What to try: how many mutants, of which seed and kind.

    Each `canary_each`-th one that passes its rehearsal goes all the way, through canary and bake
    with users; 0 lets none. `cache` is a directory.
    """

    count: int
    seed: int
    kind: MutantKind
    canary_each: int
    cache: Path


def run_trial(order: TrialOrder, clock: Clock, tell: Tell) -> list[Trial]:
    """Try the mutants and return what became of each, in the order in which they were drawn.

    Raises `UsageError` where the mutation tool is missing, `OstiaryError` where the system or its
    tests do not work without any fault.
    """
    source = Path(ostiary.__file__).parent
    mutants = list(_drawn(order, source.parent))
    tell(f"seed {order.seed}: {len(mutants)} mutants of {order.kind}")
    stages = Cache(order.cache, code_hash(source))
    passages = list(_passages(order, mutants, stages, clock, tell))
    return _judged(list(zip(mutants, passages, strict=True)), order, tell)


def _drawn(order: TrialOrder, source: Path) -> Iterator[Mutant]:
    if order.kind is MutantKind.SETTINGS:
        return settings_mutants(written_out(), order.count, order.seed)
    return code_mutants(source, order.count, order.seed)


def _passages(
    order: TrialOrder, mutants: Sequence[Mutant], cache: Cache, clock: Clock, tell: Tell
) -> Iterator[Passage]:
    """Yield how each mutant went through the stages; a system is started when one is not known."""
    with ExitStack() as stack:
        ground: Proving | None = None
        for mutant in mutants:
            sampled = order.canary_each > 0 and mutant.number % order.canary_each == 0
            passage = cache.passage(mutant, all_the_way=sampled)
            if passage is None:
                ground = ground or stack.enter_context(
                    proving_ground(order.kind, order.seed, clock)
                )
                passage = ground.propose(mutant, all_the_way=sampled)
                cache.keep_passage(mutant, passage, all_the_way=sampled)
            where = passage.stopped_at or "passed"
            tell(f"{mutant.number}: {mutant.path}:{mutant.line}: {where}")
            for line in passage.harmed:
                tell(f"  {line}")
            yield passage


def _judged(tried: Sequence[tuple[Mutant, Passage]], order: TrialOrder, tell: Tell) -> list[Trial]:
    """Return the trials, with identity's tests run on code that passed."""
    passed = [each for each in tried if each[1].stopped_at is None]
    suite = find_suite(order.cache / "suite") if order.kind is MutantKind.CODE else None
    if suite is None or not passed:
        return [Trial(mutant, passage) for mutant, passage in tried]
    cache = _tests_cache(order, suite)
    failing = {mutant.number: cache.tests(mutant) for mutant, _ in passed}
    unknown = [mutant for mutant, _ in passed if failing[mutant.number] is None]
    if unknown:
        tell(f"running identity's tests on {len(unknown)} mutants that passed")
        suite.prepare()
    for mutant in unknown:
        found = suite.failing(mutant)
        cache.keep_tests(mutant, found)
        failing[mutant.number] = found
        tell(f"{mutant.number}: {mutant.path}:{mutant.line}: {found[0] if found else 'tests pass'}")
    return [Trial(mutant, passage, failing.get(mutant.number)) for mutant, passage in tried]


def _tests_cache(order: TrialOrder, suite: Suite) -> Cache:
    source = Path(ostiary.__file__).parent
    tests = suite.checkout / "tests"
    return Cache(
        order.cache, code_hash(source / "identity", source / "kernel", tests / "unit" / "identity")
    )

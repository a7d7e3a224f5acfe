"""A short run of the fuzzer; `make fuzz` runs it for longer."""

import pytest

from tests.fuzz.__main__ import NAMES, fuzz
from tests.fuzz.targets import SEEDS, TARGETS

pytestmark = pytest.mark.fuzzer


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_found(name: str) -> None:
    fuzzed = fuzz(name, ["-runs=10000", "-seed=1"])
    assert fuzzed.code == 0, fuzzed.output[-4000:]
    assert fuzzed.runs >= 10_000
    assert fuzzed.seen > 30


def test_the_fuzzer_finds_what_is_planted() -> None:
    fuzzed = fuzz("planted", ["-runs=500000", "-seed=1"])
    assert fuzzed.code != 0
    assert "AssertionError: found" in fuzzed.output
    assert fuzzed.runs < 500_000


def test_every_target_is_run() -> None:
    assert {*NAMES, "planted"} == TARGETS.keys() == SEEDS.keys()

"""The long run: every mistake that passes the check is rehearsed on a real replica."""

import argparse
import sys
import tempfile
from pathlib import Path

from ostiary.drills.mutants.settings import Mistake, mistakes
from tests.mutations.candidates import VALID, different_for_replicas, judge
from tests.mutations.rehearsing import rehearse


def main() -> int:
    parser = argparse.ArgumentParser(prog="make mutations", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="how many mistakes")
    parser.add_argument("--seed", type=int, default=34, help="which mistakes")
    parser.add_argument("--minutes", type=float, default=30.0, help="stop after about so long")
    options = parser.parse_args()
    text = VALID.read_text()
    judged = [judge(mutant) for mutant in mistakes(text, options.count, options.seed)]
    original = judge(Mistake(text, "none", frozenset()))
    candidates = different_for_replicas(judged, original)
    refused = sum(1 for each in judged if each.problems)
    print(
        f"seed {options.seed}: {len(judged)} mistakes, {refused} refused, {len(candidates)} tell "
        "a replica something new",
        flush=True,
    )
    harmful = tried = 0
    with tempfile.TemporaryDirectory(prefix="ostiary-mutations-") as directory:
        seconds_max = options.minutes * 60
        place = Path(directory)
        for each, failures in rehearse(original, candidates, place, seconds_max=seconds_max):
            tried += 1
            harmful += bool(failures)
            where = ", ".join(str(line) for line in sorted(each.mutant.lines)[:3])
            print(f"{each.mutant.kind} (line {where}): {failures or 'harmless'}", flush=True)
    print(f"{tried} of {len(candidates)} rehearsed, {harmful} harmful")
    return int(harmful > 0)


if __name__ == "__main__":
    sys.exit(main())

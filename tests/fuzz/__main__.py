"""Fuzz every target for a while: `python -m tests.fuzz [--seconds N] [--runs N] [TARGET …]`."""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

NAMES = ("authorization", "signed_token", "key_set", "metadata")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Fuzzed:
    """What came of one target. `runs` is how many inputs it was given, `seen` its coverage."""

    code: int
    output: str

    @property
    def runs(self) -> int:
        """The inputs that were tried, 0 where the target failed before it could say so."""
        found = re.findall(r"number_of_executed_units:\s*(\d+)", self.output)
        return int(found[-1]) if found else 0

    @property
    def seen(self) -> int:
        """The places in the code that were reached."""
        found = re.findall(r"cov: (\d+)", self.output)
        return int(found[-1]) if found else 0


def fuzz(name: str, options: Sequence[str]) -> Fuzzed:
    """Fuzz a target with libFuzzer's options; the code is not 0 where it failed."""
    with tempfile.TemporaryDirectory(prefix="ostiary-fuzz-") as directory:
        inputs = Path(directory) / "inputs"
        inputs.mkdir()
        command = [sys.executable, "-m", "tests.fuzz.fuzzing", name, str(inputs), *options]
        done = subprocess.run(
            [*command, f"-artifact_prefix={directory}/"],
            cwd=_ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    return Fuzzed(done.returncode, done.stdout + done.stderr)


def main() -> None:
    """Run the targets one after another; the exit code is 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("targets", nargs="*", default=NAMES, metavar="TARGET")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="0 for another one each time")
    arguments = parser.parse_args()
    failed = []
    for name in arguments.targets:
        options = [f"-max_total_time={arguments.seconds}", f"-seed={arguments.seed}"]
        fuzzed = fuzz(name, options)
        print(f"{name}: {fuzzed.runs} inputs, {fuzzed.seen} places reached", flush=True)
        if fuzzed.code != 0:
            failed.append(name)
            print(fuzzed.output)
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()

"""One target under atheris, in a process of its own: libFuzzer takes the process over.

Run: python -m tests.fuzz.fuzzing TARGET DIRECTORY [libFuzzer's options]
"""

import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["ostiary.verify", "tests.fuzz", "json", "joserfc"]):
    from tests.fuzz.targets import SEEDS, TARGETS, WORDS


def main() -> None:
    """Write the seeds into the directory, and fuzz from there."""
    _, name, directory, *options = sys.argv
    for number, seed in enumerate(SEEDS[name]):
        (Path(directory) / f"seed-{number}").write_bytes(seed)
    words = Path(directory).with_suffix(".words")
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    logging.disable()
    # A bug is an exception of the target; what is slow or large is one as well.
    fixed = [
        "-max_len=4096",
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-print_final_stats=1",
        f"-dict={words}",
    ]
    atheris.Setup([sys.argv[0], *options, *fixed, directory], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()

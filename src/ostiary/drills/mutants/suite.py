"""Identity's own tests, run on a mutant: only those that come by the faulty line.

Which tests those are is learnt once, by running all of them under coverage. The tests are part of
a checkout, not of an installed Ostiary.
"""

import compileall
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import ostiary
from ostiary.drills.mutants.model import Mutant
from ostiary.kernel.errors import OstiaryError

_TESTS = Path("tests/unit/identity")
_LEARN_SECONDS_MAX = 1800
_RUN_SECONDS_MAX = 600
_SHOWN = 3
_TIMED_OUT = "the tests did not end"
_FAILED = re.compile(r"(?:FAILED|ERROR) (\S+\.py\b.*?)(?: - .*)?$")
"""A line of pytest's summary; what a test has logged as an error names no file."""


@dataclass(frozen=True, slots=True)
class Suite:
    """The tests of one checkout, and a directory for copies and for what was learnt."""

    checkout: Path
    place: Path

    @property
    def _overlay(self) -> Path:
        return self.place / "overlay"

    def prepare(self) -> None:
        """Copy the package, and learn which test comes by which line; takes minutes the first time.

        Raises `OstiaryError` where a test fails on the package as it is.
        """
        self.place.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._overlay, ignore_errors=True)
        source = Path(ostiary.__file__).parent
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, self._overlay / "ostiary", ignore=ignored)
        compileall.compile_dir(self._overlay, quiet=1)
        if not self._learnt.exists():
            self._learn()

    def failing(self, mutant: Mutant) -> tuple[str, ...]:
        """Return the first tests that fail on a mutant, none where all of them pass."""
        tests = self._tests_of(mutant)
        if not tests:
            return ()
        with self._mutated(mutant):
            workers = ["-n", "2"] if len(tests) > 1 else ["-n0"]
            done = self._pytest([*tests, "-x", *workers], _RUN_SECONDS_MAX)
        if done is None:
            return (_TIMED_OUT,)
        if done.returncode == 0:
            return ()
        lines = done.stdout.splitlines()
        failed = [found[1] for line in lines if (found := _FAILED.match(line))]
        return tuple(failed[:_SHOWN]) or ((lines or ["pytest failed"])[-1],)

    @property
    def _learnt(self) -> Path:
        return self.place / "coverage.sqlite"

    def _learn(self) -> None:
        data = self.place / "coverage.part"
        data.unlink(missing_ok=True)
        arguments = [str(_TESTS), "-n0", "-p", "ostiary.drills.mutants.lines"]
        done = self._pytest(arguments, _LEARN_SECONDS_MAX, {"OSTIARY_TRIAL_LINES": str(data)})
        if done is None or done.returncode != 0:
            last = "" if done is None else "\n".join(done.stdout.splitlines()[-5:])
            raise OstiaryError(
                "tests_fail", f"Identity's tests do not pass without any fault. {last}"
            )
        data.replace(self._learnt)

    def _tests_of(self, mutant: Mutant) -> list[str]:
        """Return the tests that come by the line, else by its module, else all of the package."""
        from coverage import CoverageData  # noqa: PLC0415 - comes with the mutation tool

        data = CoverageData(basename=str(self._learnt))
        data.read()
        name = str(self._overlay / mutant.path)
        by_line = data.contexts_by_lineno(name)
        tests = {test for test in by_line.get(mutant.line, ()) if test}
        if not tests:
            # A line that runs at import time, or in another process.
            tests = {test for line in by_line.values() for test in line if test}
        package = self.checkout / _TESTS / Path(mutant.path).parts[2]
        beside = [str(package.relative_to(self.checkout))] if package.is_dir() else []
        return sorted(tests) or beside

    @contextmanager
    def _mutated(self, mutant: Mutant) -> Iterator[None]:
        path = self._overlay / mutant.path
        original = path.read_text()
        cached = path.parent / "__pycache__"
        for each in cached.glob(f"{path.stem}.*"):
            # Its time is kept in whole seconds, so that a stale one could be taken for the new.
            each.unlink()
        path.write_text(mutant.text)
        try:
            yield
        finally:
            path.write_text(original)

    def _pytest(
        self, arguments: list[str], seconds_max: float, extra: dict[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str] | None":
        """Run pytest on the copy of the package; None where it did not end."""
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("OSTIARY_")},
            "PYTHONPATH": str(self._overlay),
            "PYTHONDONTWRITEBYTECODE": "1",
            **(extra or {}),
        }
        try:
            return subprocess.run(
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
                cwd=self.checkout,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds_max,
                check=False,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            return None


def find_suite(place: Path) -> Suite | None:
    """Return identity's tests where this Ostiary runs from a checkout, else None."""
    checkout = Path(ostiary.__file__).parents[2]
    return Suite(checkout, place) if (checkout / _TESTS).is_dir() else None

"""Nobody but the kernel reads the machine's clock or random source.

The linter bans the plain spellings. Here names are resolved through imports, so that an alias or
a reference without a call (`default_factory=datetime.now`) is found as well, and so are a
database's own clock and libraries that read the clock unless they are told the time.
"""

import ast
from collections.abc import Iterator

import pytest

from tests.tidy import exceptions
from tests.tidy.repository import Module, modules

READS = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns")),
    *(f"time.{name}" for name in ("perf_counter", "perf_counter_ns", "gmtime", "localtime")),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
    *("os.urandom", "os.getrandom", "uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7"),
    *("sqlalchemy.func.now", "sqlalchemy.func.current_timestamp", "sqlalchemy.func.random"),
}
MODULES_OF_CHANCE = ("random", "secrets")
TOLD_THE_TIME = {"joserfc.jwt.JWTClaimsRegistry": "now"}


def imported_names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for, as a dotted path."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def dotted_name(node: ast.AST, names: dict[str, str]) -> str | None:
    """Return the dotted path that an expression stands for, where it is a plain name."""
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        owner = dotted_name(node.value, names)
        return None if owner is None else f"{owner}.{node.attr}"
    return None


def reads_of_the_machine(tree: ast.Module) -> Iterator[str]:
    """Yield where a module reads the clock or the random source itself."""
    names = imported_names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute):
            path = dotted_name(node, names)
            if path is not None and (path in READS or path in MODULES_OF_CHANCE):
                yield f"line {node.lineno}: {path}"
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES_OF_CHANCE:
            yield f"line {node.lineno}: from {node.module} import …"
        elif isinstance(node, ast.Call):
            path = dotted_name(node.func, names)
            keyword = TOLD_THE_TIME.get(path or "")
            if keyword and keyword not in [argument.arg for argument in node.keywords]:
                yield f"line {node.lineno}: {path} without {keyword}="


def offenders(module: Module) -> list[str]:
    return [f"{module.path} {found}" for found in reads_of_the_machine(module.tree)]


def test_only_the_kernel_reads_clock_and_random_source() -> None:
    allowed = exceptions.READERS_OF_THE_MACHINE
    found = [found for m in modules() if m.path not in allowed for found in offenders(m)]
    assert found == []


def test_every_allowed_reader_still_reads() -> None:
    readers = {module.path for module in modules() if offenders(module)}
    assert exceptions.READERS_OF_THE_MACHINE.keys() - readers == set()


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.time()",
        "from time import monotonic as clock\nclock()",
        "import datetime as dt\ndt.datetime.now()",
        "from datetime import datetime\nfield(default_factory=datetime.now)",
        "from secrets import token_hex",
        "import random\nrandom.random()",
        "import os\nos.urandom(4)",
        "from sqlalchemy import func\nfunc.now()",
        "from joserfc.jwt import JWTClaimsRegistry\nJWTClaimsRegistry(leeway=5)",
    ],
)
def test_each_spelling_is_found(source: str) -> None:
    assert list(reads_of_the_machine(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.sleep(1)",
        "from datetime import datetime\ndatetime.fromtimestamp(0)",
        "clock.now()",
        "from joserfc.jwt import JWTClaimsRegistry\nJWTClaimsRegistry(now=clock, leeway=5)",
    ],
)
def test_waiting_converting_and_injected_clocks_are_fine(source: str) -> None:
    assert not list(reads_of_the_machine(ast.parse(source)))

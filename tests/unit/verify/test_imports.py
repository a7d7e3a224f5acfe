"""What `ostiary.verify` needs: the standard library and three packages, and nothing of Ostiary."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator

from tests.tidy.repository import ROOT, Module, modules, read

ALLOWED = {"cryptography", "joserfc", "httpx"}
FRAMEWORKS = {
    "starlette": {"starlette"},
    "fastapi": {"fastapi", "starlette"},
    "flask": {"flask"},
    "django": {"django", "asgiref"},
}
"""By the module that binds to a framework: what that one may import besides."""

SLICE = "src/ostiary/verify/"


def imported(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield str(node.module)


def own() -> list[Module]:
    return [module for module in modules() if module.path.startswith(SLICE)]


def test_it_imports_nothing_but_what_is_allowed() -> None:
    foreign = []
    for module in own():
        name = module.path.removeprefix(SLICE).removesuffix(".py")
        allowed = ALLOWED | FRAMEWORKS.get(name, set()) | set(sys.stdlib_module_names)
        for target in imported(module):
            inside = target.startswith("ostiary.verify")
            if not inside and target.partition(".")[0] not in allowed:
                foreign.append(f"{module.path}: {target}")
    assert own()
    assert foreign == []


def test_no_module_of_it_imports_one_that_binds_to_a_framework() -> None:
    bound = {f"ostiary.verify.{name}" for name in FRAMEWORKS}
    assert [m.path for m in own() if bound.intersection(imported(m))] == []


def test_the_distribution_needs_these_three_and_no_more() -> None:
    needed = tomllib.loads(read("pyproject.toml"))["project"]["dependencies"]
    assert {re.split(r"[\[<>=~! ]", each)[0] for each in needed} == ALLOWED


def test_importing_it_loads_nothing_of_the_login_service() -> None:
    program = "import ostiary.verify, sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("ostiary.")}
    assert [name for name in ours if not name.startswith("ostiary.verify")] == []
    assert loaded.isdisjoint({"pydantic", "falcon", "sqlalchemy", "starlette", "flask", "django"})

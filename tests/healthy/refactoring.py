"""Refactorings of one module that leave what it does alone; each takes its text and gives another.

They are made by rewriting the syntax tree, as tools do; comments are lost, which harms nobody.
"""

import ast
import random
from collections import Counter


def rewritten(text: str, rng: random.Random) -> str | None:
    """Return the module after one refactoring, None where it offers nothing to refactor."""
    tree = ast.parse(text)
    ways = [_renamed_locals, _renamed_private_functions, _turned_conditions, _named_results]
    rng.shuffle(ways)
    for way in ways:
        if way(tree, rng):
            return ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    return None


def _renamed_locals(tree: ast.Module, rng: random.Random) -> bool:
    """Give one local variable of each of some functions another name."""
    renamed = False
    for function in _functions(tree):
        # A name that an inner function, a global statement or `locals` may see is left alone.
        inner = any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.Global)
            or (isinstance(node, ast.Name) and node.id in {"locals", "vars", "eval"})
            for statement in function.body
            for node in ast.walk(statement)
        )
        names = sorted(_assigned(function) - _parameters(function))
        if not inner and names and rng.random() < 0.5:
            _Renaming({rng.choice(names): f"renamed_{rng.randrange(1_000)}"}).visit(function)
            renamed = True
    return renamed


def _renamed_private_functions(tree: ast.Module, rng: random.Random) -> bool:
    """Give private functions of the module other names."""
    found = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("_")
    ]
    names = {name: f"{name}_{rng.randrange(1_000)}" for name in found if rng.random() < 0.7}
    _Renaming(names).visit(tree)
    return bool(names)


def _turned_conditions(tree: ast.Module, rng: random.Random) -> bool:
    """Write `if a: b else: c` as `if not a: c else: b`."""
    turned = False
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and node.orelse and rng.random() < 0.5:
            node.test = ast.UnaryOp(ast.Not(), node.test)
            node.body, node.orelse = node.orelse, node.body
            turned = True
    return turned


def _named_results(tree: ast.Module, rng: random.Random) -> bool:
    """Give what some functions return a name before it is returned."""
    named = False
    for function in _functions(tree):
        last = function.body[-1]
        if isinstance(last, ast.Return) and last.value is not None and rng.random() < 0.5:
            name = f"result_{rng.randrange(1_000)}"
            assignment = ast.Assign([ast.Name(name, ast.Store())], last.value)
            function.body[-1:] = [assignment, ast.Return(ast.Name(name, ast.Load()))]
            named = True
    return named


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]


def _parameters(function: ast.FunctionDef) -> set[str]:
    return {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}


def _assigned(function: ast.FunctionDef) -> set[str]:
    """Return the names that are assigned to; those of exceptions and patterns have other nodes."""
    stored = Counter(
        node.id
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    )
    special = {
        str(name)
        for node in ast.walk(function)
        if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar)
        if (name := node.name)
    }
    return set(stored) - special


class _Renaming(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self._names.get(node.id, node.id)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self._names.get(node.name, node.name)
        return self.generic_visit(node)

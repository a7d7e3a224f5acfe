"""Small faults in Python code, by the operators of a mutation tool that others maintain.

The tool is mutmut. Only its operators are used: what they make of one node of the syntax tree.
Which node that is, is drawn here, and what a fault in it could not be seen by is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ostiary.drills.mutants.model import choose
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import Random

if TYPE_CHECKING:
    import libcst


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault in a module: its text with the fault, and what was where it stands now."""

    text: str
    line: int
    before: str
    after: str


class Operators:
    """What can go wrong at one place of a program.

    Raises `UsageError` where the mutation tool is not installed.
    """

    def __init__(self) -> None:
        try:
            import libcst  # noqa: PLC0415 - an extra that only the trial needs
            from mutmut.mutation.mutators import mutation_operators  # noqa: PLC0415
        except ImportError as error:
            raise UsageError(
                "mutants_unavailable",
                "The mutation trial needs mutmut, which is not installed.",
                hint="Run: pip install 'ostiary[mutants]'",
            ) from error
        self._cst = libcst
        self._operators: Any = mutation_operators

    def draw(self, text: str, rng: Random) -> Fault | None:
        """Return a fault at one place of a module; None where the place drawn allows none."""
        cst = self._cst
        wrapper = cst.metadata.MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True)
        module = wrapper.module
        places = list(self._places(module))
        if not places:
            return None
        node = choose(places, rng)
        changed = list(self._faulty(node))
        if not changed:
            return None
        new = choose(changed, rng)
        faulty = module.deep_replace(node, new)
        result = faulty.code if isinstance(faulty, cst.Module) else text
        if result == text or not _compiles(result):
            return None
        line = wrapper.resolve(cst.metadata.PositionProvider)[node].start.line
        return Fault(result, line, module.code_for_node(node), module.code_for_node(new))

    def _faulty(self, node: "libcst.CSTNode") -> Iterator["libcst.CSTNode"]:
        for kind, operator in self._operators:
            if isinstance(node, kind):
                yield from operator(node)

    def _places(self, node: "libcst.CSTNode") -> Iterator["libcst.CSTNode"]:
        """Yield the nodes that an operator changes; types, imports and docstrings are no code."""
        cst = self._cst
        if isinstance(node, cst.Annotation | cst.Import | cst.ImportFrom):
            return
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString):
            return
        if any(True for _ in self._faulty(node)):
            yield node
        for child in node.children:
            yield from self._places(child)


def _compiles(text: str) -> bool:
    try:
        compile(text, "mutant", "exec")
    except (SyntaxError, ValueError):
        return False
    return True

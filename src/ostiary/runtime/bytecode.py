"""Compiling a release once, so that its replicas start fast and write nothing into it.

The byte code stands beside the source as Python expects it, of the kind that is not compared with
the source again. That is safe because the release's manifest lists the byte code with its hashes,
and costs less than a byte-code cache of its own: such a cache would also replace the compiled
dependencies of the environment, which then had to be compiled anew for every data directory.
"""

import py_compile
import sys
from pathlib import Path

CACHE_TAG = sys.implementation.cache_tag
"""Names the kind of byte code of this Python, for example `cpython-311`."""


_CONTROL_PLANE = frozenset({"changes", "cli", "drills", "edge", "guard", "runtime", "watch"})
"""Slices that come with a release and that no replica imports, by an import contract.

They are two thirds of the code. Should a replica import one after all, Python compiles it then.
"""


def compile_tree(root: Path, *, final: Path) -> None:
    """Compile what replicas run of the sources below `root`, which will be renamed to `final`.

    A file that cannot be compiled is left out: its replica will say so when it imports the file.
    Raises `OSError` where byte code cannot be written.
    """
    for source in sorted(root.rglob("*.py")):
        if _is_control_plane(source.relative_to(root)):
            continue
        try:
            py_compile.compile(
                str(source),
                # Not `cache_from_source`, which follows this process's PYTHONPYCACHEPREFIX.
                cfile=str(source.parent / "__pycache__" / f"{source.stem}.{CACHE_TAG}.pyc"),
                dfile=str(final / source.relative_to(root)),
                doraise=True,
                quiet=2,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
        except (py_compile.PyCompileError, ValueError, RecursionError, MemoryError):
            continue


def _is_control_plane(source: Path) -> bool:
    package, *inside = source.parts
    return package == "ostiary" and inside[0] in _CONTROL_PLANE

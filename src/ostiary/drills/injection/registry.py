"""What injects each kind of fault, and what it needs of the release beforehand."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ostiary.drills.faults import Edit
from ostiary.drills.injection.database_locks import database_locked
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.scenarios.injections import Injection


def _no_edits(_fault: Any, _directory: Path) -> Sequence[Edit]:  # noqa: ANN401 - whatever the kind's model is
    return ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault.

    `inject` is entered to inject it, and returns only when it is in effect; leaving removes it. It
    raises `FaultNotInjectableError`, before anything is done, where that is not possible here.
    `edits` are made to identity's release before users come; they must not change what it does. They
    get the fault and `InjectionPlace.directory`.
    """

    inject: Callable[[InjectionPlace, Any], AbstractContextManager[None]]
    edits: Callable[[Any, Path], Sequence[Edit]] = _no_edits


KINDS: Final[Mapping[str, Kind]] = {
    "database_locked": Kind(database_locked),
}


def edits_for(faults: Sequence[Injection], directory: Path) -> list[Edit]:
    """Return the edits that the release needs so that these faults can be injected."""
    return [edit for fault in faults for edit in KINDS[fault.kind].edits(fault, directory)]


@contextmanager
def injected(place: InjectionPlace, faults: Sequence[Injection]) -> Iterator[None]:
    """Inject faults in their order; remove them in the opposite one when the block ends.

    Raises `FaultNotInjectableError` where one of them cannot be; then none is.
    """
    with ExitStack() as removed_last_first:
        for fault in faults:
            removed_last_first.enter_context(KINDS[fault.kind].inject(place, fault))
        yield

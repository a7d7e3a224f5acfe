"""The check stage: what the rules found, what Envoy says, and whether the release is whole."""

from collections.abc import Sequence
from functools import partial

from ostiary.changes.actions import RunChecks
from ostiary.changes.events import Checked
from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.plane import DataPlane
from ostiary.guard.threads import in_thread
from ostiary.kernel.problems import Problem
from ostiary.runtime.ports import IDENTITY
from ostiary.runtime.releases import ReleaseStore

_FILES_SHOWN = 5


class CheckStage:
    """Checks one change after the other.

    The rules look at the settings file, whose lines their findings name, and so they run when the
    file is read, at the proposal. What they found is kept here until the change asks for it.
    """

    def __init__(self, plane: DataPlane, releases: ReleaseStore) -> None:
        self._plane = plane
        self._releases = releases
        self._change = ""
        self._findings: tuple[Reason, ...] = ()

    def expect(self, change: str, problems: tuple[Problem, ...]) -> None:
        """Take what the rules found about a change that is about to begin."""
        self._change = change
        self._findings = tuple(map(reason_of, problems))

    async def run(self, action: RunChecks, change: str, snapshot: Snapshot) -> Checked:
        """Return what is wrong with a snapshot; `parse` looks at the release alone."""
        if action.scope == "all":
            if change == self._change and self._findings:
                return Checked(ok=False, problems=self._findings)
            await self._plane.prevalidate(snapshot.id)
        changed = await self.altered(snapshot, self._plane.services.changing or (IDENTITY,))
        problems = altered_reasons(changed, "{} differs from the release's hash.")
        return Checked(ok=not problems, problems=problems)

    async def altered(self, snapshot: Snapshot, services: Sequence[str] = (IDENTITY,)) -> list[str]:
        """Return the files of services' releases that are not what was imported."""
        # What somebody else runs has no release to look at.
        releases = [snapshot.releases[each] for each in services if each in snapshot.releases]
        found = [await in_thread(partial(self._releases.verify, each)) for each in releases]
        return [file for files in found for file in files]


def altered_reasons(
    files: Sequence[str], words: str = "{} was changed while the release ran."
) -> tuple[Reason, ...]:
    """Return the reasons for files that are not those of the snapshot, the first few of them."""
    return tuple(
        Reason("release_changed", words.format(file), {"file": file})
        for file in files[:_FILES_SHOWN]
    )


def reason_of(problem: Problem) -> Reason:
    """Return a finding as the reason of a verdict: the sentence for people, the rest as numbers."""
    where = {"file": problem.file, "line": problem.line, "key": problem.key}
    return Reason(problem.code, str(problem), where)

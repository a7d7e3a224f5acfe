"""A guard without replicas and edge: real API, journal, snapshots and controller, a fake clock.

It goes as far as the start of candidates, which never come: what is under test waits before that.
"""

from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ostiary.changes import actions, events
from ostiary.changes.configuration import load_configuration
from ostiary.changes.load.known import NO_LOAD_KNOWN
from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import SnapshotStore
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.guard import history
from ostiary.guard.admin import AdminUnavailableError
from ostiary.guard.api import create_api
from ostiary.guard.conductor import Conductor, ConductorParts
from ostiary.guard.course_keeper import CourseKeeper
from ostiary.guard.history_reader import HistoryReader
from ostiary.guard.operations import GuardOperations
from ostiary.guard.operators.registry import Registry
from ostiary.guard.revocation_record import COUNTS
from ostiary.guard.revocations import Revocations
from ostiary.guard.service_groups import ServiceGroups
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.releases import ReleaseStore
from tests.fakes.clock import FakeClock
from tests.unit.guard.operators.serving import serving


class Effects:
    """Checks everything as good, and starts nothing."""

    def __init__(self) -> None:
        self.asked: list[actions.Action] = []
        self.answers: dict[type[actions.Action], events.Event] = {
            actions.RunChecks: events.Checked(ok=True)
        }

    async def perform(self, action: actions.Action, *_: object) -> events.Event | None:
        self.asked.append(action)
        return self.answers.get(type(action))


async def nothing(*_: object, **__: object) -> Any:
    return {}


def ignored(*_: object, **__: object) -> None:
    """Begin nothing."""


class Place:
    """What outlives a guard: the data directory, its journal, and the clock."""

    def __init__(self, directory: Path, settings: str, *, owner_uid: int) -> None:
        self.directory, self.owner_uid = directory, owner_uid
        self.clock = FakeClock()
        self.looks = 0
        self.away = False
        self.journal = Journal(directory / "guard.db", self.clock)
        self.snapshots = SnapshotStore(directory / "snapshots")
        self.file = directory / "ostiary.toml"
        self.file.write_text(settings)
        served = SnapshotSettings().to_snapshot()
        self.first = self.snapshots.add({"identity": "0" * 64}, served)

    @contextmanager
    def guard(self):
        """Run a guard here; it takes over what the one before has left."""
        effects = Effects()
        served = history.read(self.journal.entries()).last_good or self.first.id
        plane = SimpleNamespace(
            last_good=served,
            serving=served,
            counters=nothing,
            canary=[],
            replaced=[],
            services=ServiceGroups(),
            kept_snapshots=lambda: [plane.serving],
        )
        reader = HistoryReader(self.journal)
        admin = SimpleNamespace(
            request=nothing, seconds_until_claimable=nothing, request_of_all=self._revoke
        )
        conductor = Conductor(
            ConductorParts(
                plane=plane,
                lease=SimpleNamespace(renew=self._count_look, withdraw=lambda: None),
                effects=effects,
                trials=SimpleNamespace(clean_up=nothing),
                watch=SimpleNamespace(reset=lambda: None, silent=False),
                balance=SimpleNamespace(begin=lambda *_: None),
                journal=self.journal,
                snapshots=self.snapshots,
                clock=self.clock,
                courses=CourseKeeper(self.journal, self.clock),
                pacing=Pacing(),
                alpha=0.001,
            )
        )
        parts = SimpleNamespace(
            journal=self.journal,
            snapshots=self.snapshots,
            plane=plane,
            conductor=conductor,
            registry=Registry.of(load_configuration(self.file).guard, self.owner_uid),
            pacing=Pacing(),
            admin=admin,
            revocations=Revocations(
                *(self.journal, reader, admin, plane),
                is_stopping=lambda _: False,
                rng=SeededRandom(len(self.journal.entries())),
            ),
            issuer="http://127.0.0.1",
            load=SimpleNamespace(known=lambda *_: NO_LOAD_KNOWN, take=lambda _: None),
            clock=self.clock,
            trials=SimpleNamespace(begin=ignored),
            history=reader,
            releases=ReleaseStore(self.directory / "releases"),
            check=SimpleNamespace(expect=lambda *_: None),
        )
        guard = SimpleNamespace(status=dict, shut_down=lambda: None)
        operations = GuardOperations(guard, parts, SeededRandom(len(self.journal.entries())))

        async def conduct() -> None:
            for record in history.read(self.journal.entries()).unfinished:
                conductor.take_over(record)
            await conductor.run()

        with serving(create_api(operations, parts.registry), self.directory, conduct) as path:
            yield SimpleNamespace(path=path, effects=effects, conductor=conductor, plane=plane)

    async def _revoke(self, path: str, _body: object, _others: object) -> dict[str, Any]:
        """Take back what a snapshot has minted, as the replicas would, unless they are away."""
        if self.away:
            raise AdminUnavailableError("store_unavailable", "The store is away.")
        return {"path": path, **dict.fromkeys(COUNTS, 1)}

    def _count_look(self, _silent: object) -> None:
        """Count how often the guard's loop has looked at the change."""
        self.looks += 1

    def journalled(self, kind: str) -> list[dict[str, Any]]:
        """Return what was journalled of one kind."""
        return [dict(entry.data) for entry in self.journal.entries(kind=kind)]

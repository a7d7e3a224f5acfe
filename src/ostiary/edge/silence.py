"""Envoys that run and yet do not answer: stopped, or stuck.

The kernel goes on handing an Envoy that hangs its part of the new connections, which nobody then
takes. Its only cure is its end; somebody else starts it anew.
"""

import json
import signal
from dataclasses import dataclass
from pathlib import Path

import anyio

from ostiary.edge.admin import AdminClient
from ostiary.edge.fleet import leftover_indexes
from ostiary.kernel.processes import ProcessRecord, is_alive, send_signal

_ANSWER_SECONDS_MAX = 1.0
_SILENT_IN_ROW_MAX = 3
_SILENT_AT_START_MAX = 45
"""One that starts may take 20 s to get ready (`envoys`); it is asked twice a second at most."""


@dataclass(slots=True)
class _Heard:
    """What was heard of one process so far."""

    record: ProcessRecord
    silent: int = 0
    has_answered: bool = False


class SilenceWatch:
    """Asks every Envoy of an edge directory whether it is there, over connections of its own.

    Questions in a row are counted, not seconds: when the one who asks was stopped himself, that
    is one unanswered question and no more.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._heard: dict[int, _Heard] = {}
        self._admins: dict[int, AdminClient] = {}

    async def ask(self) -> None:
        """Ask all Envoys once, at the same time; takes a second at most.

        Raises `OSError` where one could not even be asked; that is nothing against it.
        """
        records = {index: self._recorded(index) for index in leftover_indexes(self._directory, 0)}
        self._heard = {
            index: self._of(index, record)
            for index, record in records.items()
            if record is not None and is_alive(record)
        }
        problems: list[OSError] = []
        async with anyio.create_task_group() as group:
            for index, heard in self._heard.items():
                group.start_soon(self._ask, index, heard, problems)
        if problems:
            raise problems[0]

    def hung(self) -> ProcessRecord | None:
        """Return one Envoy that hangs, if any does: they are never to be away together."""
        for heard in self._heard.values():
            most = _SILENT_IN_ROW_MAX if heard.has_answered else _SILENT_AT_START_MAX
            if heard.silent >= most:
                return heard.record
        return None

    async def close(self) -> None:
        """Give the connections back."""
        for admin in self._admins.values():
            await admin.close()

    def _of(self, index: int, record: ProcessRecord) -> _Heard:
        heard = self._heard.get(index)
        return heard if heard is not None and heard.record == record else _Heard(record)

    async def _ask(self, index: int, heard: _Heard, problems: list[OSError]) -> None:
        admin = self._admins.setdefault(index, AdminClient(self._directory, f"admin-{index}.sock"))
        answered = False
        try:
            with anyio.move_on_after(_ANSWER_SECONDS_MAX):
                answered = await admin.ready()
        except OSError as problem:
            problems.append(problem)
            return
        heard.has_answered = heard.has_answered or answered
        heard.silent = 0 if answered else heard.silent + 1
        if not answered:
            # The next question goes over a new connection: this one may lead to a dead process.
            await admin.close()

    def _recorded(self, index: int) -> ProcessRecord | None:
        try:
            value = json.loads((self._directory / f"envoy-{index}.json").read_bytes())
            return ProcessRecord.from_json(value["record"])
        except (OSError, ValueError, LookupError, TypeError):
            return None


def kill(record: ProcessRecord) -> bool:
    """End an Envoy at once; return whether it was there."""
    return send_signal(record, signal.SIGKILL)

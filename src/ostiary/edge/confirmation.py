"""Knowing that an Envoy took a file, refused it, or cannot say."""

from dataclasses import dataclass
from enum import Enum

import anyio

from ostiary.edge.admin import EnvoySilentError
from ostiary.edge.bootstrap import CERTIFICATE_FILE, CLUSTER_FILE, LISTENER_FILE, ROUTE_FILE
from ostiary.edge.envoys import Envoy
from ostiary.edge.files import XdsFile
from ostiary.edge.listener import STAT_PREFIX
from ostiary.edge.routes import ROUTE_TABLE
from ostiary.edge.tls import CERTIFICATE

_POLL_S = 0.002
_PATIENCE_S = 0.1
# Who asks may stand still as well: an Envoy is not called silent before it had this time at least.
_LAST_LOOK_S = 0.5
# Clusters wait for their first health checks; routes have nothing to wait for.
_DEADLINES_S = {CLUSTER_FILE: 5.0, LISTENER_FILE: 5.0, ROUTE_FILE: 2.0, CERTIFICATE_FILE: 5.0}

_SUBSCRIPTIONS = {
    CLUSTER_FILE: "cluster_manager.cds",
    LISTENER_FILE: "listener_manager.lds",
    ROUTE_FILE: f"http.{STAT_PREFIX}.rds.{ROUTE_TABLE}",
    CERTIFICATE_FILE: f"sds.{CERTIFICATE}",
}
_WARMING = {
    CLUSTER_FILE: "cluster_manager.warming_clusters",
    LISTENER_FILE: "listener_manager.total_listeners_warming",
    ROUTE_FILE: "",
    CERTIFICATE_FILE: "",
}


class Answer(Enum):
    """What became of a file at one Envoy."""

    TAKEN = "taken"
    REFUSED = "refused"
    SILENT = "silent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class SubscriptionState:
    """What one Envoy says of one file: its version, refusals so far, resources not yet usable."""

    version: str
    refusals: int
    warming: int


def parse_state(text: str, name: str) -> SubscriptionState:
    """Return the state of the file `name` in the text of Envoy's `/stats`."""
    values = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    prefix = _SUBSCRIPTIONS[name]
    refusals = [
        values.get(f"{prefix}.{kind}", "0") for kind in ("update_rejected", "update_failure")
    ]
    return SubscriptionState(
        version=values.get(f"{prefix}.version_text", "").strip('"'),
        refusals=sum(int(count) for count in refusals),
        warming=int(values.get(_WARMING[name], "0")),
    )


async def state(envoy: Envoy, name: str) -> SubscriptionState | None:
    """Return what an Envoy says of a file, or None where it does not answer."""
    fields = rf"^{_SUBSCRIPTIONS[name]}\.(version_text|update_rejected|update_failure)$"
    pattern = f"{fields}|^{_WARMING[name]}$" if _WARMING[name] else fields
    try:
        return parse_state(await envoy.admin.stats(pattern), name)
    except EnvoySilentError:
        return None


async def refusals(envoys: list[Envoy], name: str) -> dict[int, int]:
    """Return how often each Envoy has refused the file so far, by the Envoy's index.

    One that does not answer at once is left out: a rollback must not wait for an Envoy that hangs.
    """
    found: dict[int, int] = {}

    async def ask(envoy: Envoy) -> None:
        with anyio.move_on_after(_PATIENCE_S):
            now = await state(envoy, name)
            if now is not None:
                found[envoy.index] = now.refusals

    async with anyio.create_task_group() as group:
        for envoy in envoys:
            group.start_soon(ask, envoy)
    return found


async def confirm(envoys: list[Envoy], file: XdsFile, before: dict[int, int]) -> dict[int, Answer]:
    """Return what became of a file at each Envoy, by index; waits for all, some seconds at most.

    `before` is what `refusals` said before the file was put in place.
    """
    answers = {envoy.index: Answer.SILENT for envoy in envoys}

    async def ask(envoy: Envoy) -> None:
        for seconds in (_DEADLINES_S[file.name], _LAST_LOOK_S):
            with anyio.move_on_after(seconds):
                answers[envoy.index] = await _answer(envoy, file, before.get(envoy.index))
                return

    async with anyio.create_task_group() as group:
        for envoy in envoys:
            group.start_soon(ask, envoy)
    return answers


async def _answer(envoy: Envoy, file: XdsFile, refused_before: int | None) -> Answer:
    while envoy.alive:
        now = await state(envoy, file.name)
        if now is not None:
            if now.version == file.version and not now.warming:
                return Answer.TAKEN
            if refused_before is None:
                refused_before = now.refusals
            if now.refusals > refused_before:
                return Answer.REFUSED
        await anyio.sleep(_POLL_S)
    return Answer.DEAD

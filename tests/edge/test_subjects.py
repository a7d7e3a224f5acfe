"""Second opinions are counted by the bucket of their subject, by a closed list, on a real Envoy."""

import itertools

import httpx
import pytest

from ostiary.edge.counters import EdgeCounters
from ostiary.edge.edge import Edge
from ostiary.guard.windows import WindowReader
from ostiary.kernel.request_kinds import KIND_HEADER
from ostiary.kernel.subjects import SUBJECT_HEADER
from tests.edge.conftest import CANARY, LAST_GOOD, Servers
from tests.edge.replicas import Reply, always

pytestmark = [pytest.mark.edge, pytest.mark.anyio]

REFUSED = Reply(400, b"", f"{CANARY}/invalid_grant")


def _granted(subject: str, outcome: str = f"{LAST_GOOD}/ok") -> Reply:
    return Reply(200, b"", outcome, {SUBJECT_HEADER: subject, KIND_HEADER: "refresh_token"})


async def _ask(client: httpx.AsyncClient, times: int) -> list[httpx.Response]:
    return [await client.post("/oauth2/token") for _ in range(times)]


async def test_one_subject_in_a_storm_disagrees_once_per_window_and_is_hidden_as_often(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    subjects = iter(["17"] * 9 + ["3", "63", "0"] + ["17"] * 2)
    servers.canary.answer = always(REFUSED)
    servers.last_good.answer = lambda _: _granted(next(subjects))
    await edge.start(servers.model(1.0))
    windows = WindowReader(await edge.counters())

    answers = await _ask(client, 12)

    assert not any(SUBJECT_HEADER in answer.headers for answer in answers)
    (token,), _, hidden = windows.close(await edge.counters())
    assert (token.canary.requests, token.canary.overturned, token.canary.repeats) == (12, 4, 8)
    assert hidden == 12
    await _ask(client, 2)
    (token,), _, _ = windows.close(await edge.counters())
    assert (token.canary.overturned, token.canary.repeats) == (1, 1), "in every window anew"
    strata = (await edge.counters()).strata()
    assert strata["token.refresh_token", "canary"].disagreements == 4


async def test_without_a_bucket_every_second_opinion_counts(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    servers.canary.answer = always(REFUSED)
    await edge.start(servers.model(1.0))

    await _ask(client, 5)

    assert (await edge.counters()).strata()["token", "canary"].disagreements == 5


async def test_hostile_buckets_make_no_new_counter_and_refusals_have_none(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    hostile = ["64", "007", "-1", "1 2", "17 x", "1" * 3000, "x - 5", "", ".*"]
    numbers = (str(each) for each in range(64, 300))
    values = itertools.chain(hostile, numbers)
    servers.canary.answer = always(REFUSED)
    servers.last_good.answer = lambda _: _granted(next(values))
    await edge.start(servers.model(1.0))

    await _ask(client, len(hostile) + 200)
    servers.last_good.answer = always(_granted("5", f"{LAST_GOOD}/invalid_grant"))
    await _ask(client, 3)

    counters = await edge.counters()
    assert counters.subjects == {}
    assert counters.unnamed_since(EdgeCounters()) == 0
    text = await edge._fleet.live()[0].admin.stats("", kind="Counters")
    names = [line for line in text.splitlines() if line.startswith("ostiary_subjects")]
    assert len(names) == 1, "all of them have a bucket that is none"


async def test_the_canary_cannot_put_its_failures_into_one_bucket(
    servers: Servers, edge: Edge, client: httpx.AsyncClient
) -> None:
    """First attempts have no bucket: only who is asked again says whose request it was."""
    servers.canary.answer = always(
        Reply(400, b"", f"{CANARY}/invalid_grant", {SUBJECT_HEADER: "5"})
    )
    subjects = iter("1234")
    servers.last_good.answer = lambda _: _granted(next(subjects))
    await edge.start(servers.model(1.0))

    await _ask(client, 4)

    assert (await edge.counters()).strata()["token", "canary"].disagreements == 4

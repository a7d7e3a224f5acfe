"""What is written to the edge: strictly read, and traceable to the guard that wrote it."""

from dataclasses import replace

import pytest

from ostiary.edge.edge import Edge
from ostiary.edge.files import render
from ostiary.edge.model import EdgePlace
from ostiary.guard.edge_models import EdgeTerms
from ostiary.guard.lease import LeaseServer
from ostiary.guard.plane import DataPlane
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import RefusedError
from tests.edge.conftest import LAST_GOOD, Servers
from tests.fakes.snapshots import FakeSnapshots
from tests.unit.guard.test_plane import replica as guarded

pytestmark = [pytest.mark.edge, pytest.mark.anyio]


@pytest.mark.parametrize("kind", ["clusters", "listeners", "routes"])
async def test_a_misspelt_field_is_refused_and_not_passed_over(
    kind: str, servers: Servers, edge: Edge, place: EdgePlace
) -> None:
    await edge.start(servers.model())
    files = render(servers.model(), place)
    file = getattr(files, kind)
    misspelt = ({**file.resources[0], "tiemout": "1s"}, *file.resources[1:])
    wrong = replace(file, version="wrong", resources=misspelt)

    with pytest.raises(RefusedError, match="tiemout"):
        await edge._rollout.change(edge._fleet.live(), replace(files, **{kind: wrong}))


async def test_what_an_envoy_serves_names_the_guard_s_epoch(servers: Servers, edge: Edge) -> None:
    lease, terms = LeaseServer(SystemClock(), seconds_max=3.0), EdgeTerms("epoch-7", 4000)
    plane = DataPlane(edge, lease, terms, FakeSnapshots())

    for write in (plane.start(LAST_GOOD, LAST_GOOD, [guarded("old", LAST_GOOD)]), plane.refresh()):
        await write
        name = "http.edge.rds.edge.version_text"
        text = await edge._fleet.live()[0].admin.stats(f"^{name}$")
        assert text.startswith(f'{name}: "epoch-7.')

"""An Envoy is called silent for its own silence, not for that of who asks."""

import time
from types import SimpleNamespace

import anyio
import pytest

from ostiary.edge import confirmation
from ostiary.edge.bootstrap import ROUTE_FILE
from ostiary.edge.confirmation import Answer, confirm
from ostiary.edge.files import XdsFile

pytestmark = pytest.mark.anyio

FILE = XdsFile(ROUTE_FILE, "v2", ())


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(confirmation._DEADLINES_S, ROUTE_FILE, 0.05)
    monkeypatch.setitem(confirmation._SUBSCRIPTIONS, ROUTE_FILE, "http.edge.rds.edge")


class Admin:
    """Answers as an Envoy does that uses `version`."""

    def __init__(self, version: str, stalls: int = 0, *, hangs: bool = False) -> None:
        self._version = version
        self._stalls = stalls
        self._hangs = hangs

    async def stats(self, _pattern: str) -> str:
        if self._stalls:
            self._stalls -= 1
            # The whole process stands still, and with it whoever asks.
            time.sleep(0.2)  # noqa: ASYNC251 - nobody else may run
        await anyio.sleep(1000 if self._hangs else 0.01)
        return f'http.edge.rds.edge.version_text: "{self._version}"\n'


async def answer(admin: Admin) -> Answer:
    envoy = SimpleNamespace(index=0, alive=True, admin=admin)
    return (await confirm([envoy], FILE, {}))[0]


@pytest.mark.parametrize("stalls", [0, 1])
async def test_an_envoy_that_took_the_file_is_believed_after_a_standstill(stalls: int) -> None:
    assert await answer(Admin("v2", stalls)) is Answer.TAKEN


@pytest.mark.parametrize("admin", [Admin("v1"), Admin("v2", hangs=True)], ids=["former", "hangs"])
async def test_one_that_has_not_or_does_not_say_is_silent(admin: Admin) -> None:
    assert await answer(admin) is Answer.SILENT

"""Either of two Envoys killed under load: no request fails beyond one retry of the client."""

import contextlib
import signal
import socket
import ssl
import threading
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace

import pytest

from ostiary.edge.certificate_reading import PairNames, read_pair
from ostiary.edge.edge import Edge
from ostiary.edge.entrance import Entrance
from ostiary.edge.model import EdgePlace
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.processes import send_signal
from tests.certificates import Authority, ask, connect
from tests.edge.conftest import Servers, until

pytestmark = [pytest.mark.edge, pytest.mark.anyio]
CLIENTS = 6
KEPT_FOR = 20
RETRY_PAUSE_S = 1.0


@dataclass
class Load:
    """Clients that ask all the time, over connections that they keep for a while."""

    port: int
    context: ssl.SSLContext
    answered: list[int] = field(default_factory=lambda: [0] * CLIENTS)
    retried: int = 0
    failures: list[str] = field(default_factory=list)
    _done: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._ask, args=(each,)) for each in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._done.set()
            for thread in threads:
                thread.join()

    def _ask(self, client: int) -> None:
        connection: socket.socket | None = None
        asked = 0
        while not self._done.is_set():
            if connection is not None and asked % KEPT_FOR == 0:
                connection.close()
                connection = None
            connection = self._with_one_retry(client, connection)
            asked += 1
        if connection is not None:
            connection.close()

    def _with_one_retry(
        self, client: int, connection: socket.socket | None
    ) -> socket.socket | None:
        for is_last in (False, True):
            try:
                connection = connection or connect(self.port, self.context)
                answer = ask(connection)
                if not answer.startswith(b"HTTP/1.1 200") or not answer.endswith(b"last good"):
                    raise ConnectionError(answer[:60])
            except OSError as problem:
                if connection is not None:
                    connection.close()
                    connection = None
                with self._lock:
                    self.retried += not is_last
                    if is_last:
                        self.failures.append(repr(problem))
                # A process that is killed closes its connections before its listening socket: who
                # comes back within that moment may be put into its queue once more.
                time.sleep(RETRY_PAUSE_S)
            else:
                self.answered[client] += 1
                return connection
        return None


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
async def tls_pair(place: EdgePlace, authority: Authority) -> AsyncIterator[Edge]:
    pair = authority.issue()
    certificate = read_pair(pair.chain, pair.key, PairNames("cert.pem", "key.pem"))
    tls = replace(place, entrance=Entrance(tls=True, https=True))
    edge = Edge(tls, clock=SystemClock(), check=lambda _: None, certificate=certificate)
    try:
        yield edge
    finally:
        await edge.stop()


async def test_either_envoy_is_killed_under_load_without_a_failure_beyond_one_retry(
    servers: Servers, tls_pair: Edge, place: EdgePlace, authority: Authority
) -> None:
    await tls_pair.start(servers.model())
    load = Load(place.listen_port, authority.client())

    async def more_answers_for_each() -> None:
        """Also for who is in the middle of a retry, which the next kill must not meet."""
        before = list(load.answered)

        async def each_has_more() -> bool:
            return all(now >= then + 10 for now, then in zip(load.answered, before, strict=True))

        await until(each_has_more, seconds=60)

    with load.flowing():
        for index in (0, 1, 0, 1):
            await more_answers_for_each()
            victim = tls_pair._fleet._envoys[index]
            assert victim.record is not None
            killed = victim.record.pid
            assert send_signal(victim.record, signal.SIGKILL)
            await until(lambda pid=killed: _gone(tls_pair, pid), seconds=60)
            await more_answers_for_each()
            await tls_pair.restart(index)

    assert load.failures == []
    assert load.retried > 0


async def _gone(edge: Edge, pid: int) -> bool:
    return pid not in edge.pids

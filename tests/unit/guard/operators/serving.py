"""The guard's API on a real Unix socket, asked by real users of the machine."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from ostiary.guard.broken_off import answering_when_ended
from ostiary.guard.operators.peer import PeerProtocol
from ostiary.guard.socket import bound
from tests.other_users import as_user

ASK = """
import json, socket, sys
from http.client import HTTPConnection
path, method, target, token, body = sys.argv[1:]
connection = HTTPConnection("guard")
connection.sock = socket.socket(socket.AF_UNIX)
connection.sock.connect(path)
headers = {"authorization": f"Bearer {token}"} if token else {}
connection.request(method, target, body or None, headers | {"content-type": "application/json"})
response = connection.getresponse()
print(json.dumps([response.status, json.loads(response.read())]))
"""


@contextmanager
def serving(app: Any, directory: Path, *beside: Callable[[], Any]) -> Iterator[Path]:
    """Serve an application on a socket for everybody, with other work on the same loop."""
    public = directory / "run" / "guard.sock"

    async def main(sockets: list[Any]) -> None:
        tasks = [asyncio.create_task(work()) for work in beside]
        await server.serve(sockets)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    config = uvicorn.Config(
        answering_when_ended(app), http=PeerProtocol, log_config=None, lifespan="off"
    )
    server = uvicorn.Server(config)
    with bound(directory, public) as sockets:
        thread = threading.Thread(target=asyncio.run, args=(main(sockets),))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield public
        finally:
            server.should_exit = True
            thread.join(30)


def ask_as(
    uid: int, path: Path, method: str, target: str, *, token: str = "", body: Any = None
) -> tuple[int, dict[str, Any]]:
    """Return status and answer of a request that a process of this user has sent."""
    text = "" if body is None else json.dumps(body)
    command = [*as_user(uid), sys.executable, "-c", ASK, str(path), method, target, token, text]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    status, answer = json.loads(result.stdout)
    return status, answer

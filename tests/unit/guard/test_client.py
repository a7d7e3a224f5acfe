"""The guard's client when what answers is no guard in its right mind."""

import json
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import ExitCode, NotRunningError


class BareText(BaseHTTPRequestHandler):
    """What a server says that was told to end while it was answering."""

    def do_POST(self) -> None:
        # Closing with something unread would break the answer off as well.
        self.rfile.read(int(self.headers["content-length"]))
        content = b"Internal Server Error"
        self.send_response(500)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "guard.sock"
    (tmp_path / "guard.json").write_text(json.dumps({"socket": str(path)}))
    with socketserver.ThreadingUnixStreamServer(str(path), BareText) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield tmp_path
        server.shutdown()
        thread.join()


def test_an_answer_that_was_broken_off_is_no_bug_but_a_guard_that_ended(data: Path) -> None:
    with pytest.raises(NotRunningError) as caught:
        GuardClient(data).post("/users/ada@example.org/disable")
    assert caught.value.code == "guard_unreachable"
    assert "not known" in caught.value.hint
    assert caught.value.exit_code == ExitCode.NOT_RUNNING

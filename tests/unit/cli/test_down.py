"""`ostiary down --socket` asks the guard, and is done when it answers no longer."""

import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

from ostiary.cli.lifecycle import down


class Ending(BaseHTTPRequestHandler):
    """A guard that answers twice and is then gone."""

    asked: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.asked.append(self.path)
        if len(self.asked) > 2:
            self.close_connection = True
            return
        content = b'{"running": false}'
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def address_string(self) -> str:
        return "a socket"

    def log_message(self, *_: object) -> None:
        pass


def test_everything_is_stopped_through_the_guard_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OSTIARY_TOKEN_FILE", raising=False)
    path = tmp_path / "guard.sock"
    asked: list[str] = []
    handler = type("Handler", (Ending,), {"asked": asked})
    with socketserver.ThreadingUnixStreamServer(str(path), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        down(socket=path, json=True)
        server.shutdown()
        thread.join()
    assert json.loads(capsys.readouterr().out) == {"running": False}
    assert asked == ["/shutdown"] * 3

"""Small releases that keep to the contract of a replica's configuration file, or break it."""

from pathlib import Path

_MAIN = '''\
"""A replica that serves nothing but its health."""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ostiary.identity.behaviour import BEHAVIOUR

parser = argparse.ArgumentParser()
parser.add_argument("--config", required=True)
CONFIG = json.load(open(parser.parse_args().config))
stopping = threading.Event()


def say(text):
    print(text, file=sys.stderr, flush=True)


if BEHAVIOUR == "exits":
    say("warming up")
    say("error: the signing key is missing")
    sys.exit(3)
if BEHAVIOUR == "leaks":
    say("connecting to " + CONFIG["database_url"])
    say("admin token " + open(CONFIG["admin_token_file"]).read())
    say("edge token " + open(CONFIG["edge_token_file"]).read())
    say("\\x1b[31mred\\x1b[0m")
    sys.exit(3)
if BEHAVIOUR == "ignores-sigterm":
    signal.signal(signal.SIGTERM, lambda *_: say("not now"))
else:
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
if BEHAVIOUR == "has-children":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    say(f"child {child.pid}")


class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        name = "somebody-else" if BEHAVIOUR == "impostor" else CONFIG["name"]
        body = {"name": name, "snapshot": CONFIG["snapshot"], "pid": os.getpid()}
        waits = BEHAVIOUR in {"never-ready", "waits"}
        status = 503 if self.path == "/ready" and waits else 200
        if BEHAVIOUR == "waits":
            body |= {"problem": "No key has been published.", "ready_at": time.time() + 60}
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


users = socket.create_server((CONFIG["host"], CONFIG["port"]))
address = (CONFIG["host"], CONFIG["health_port"])
server = ThreadingHTTPServer(address, Health)
threading.Thread(target=server.serve_forever, daemon=True).start()
say("serving")
while not stopping.wait(0.05):
    pass
say("drained")
'''


def write_release(directory: Path, behaviour: str = "serves", *, below: str = "") -> Path:
    """Write a release and return its path; `below` is the folder that holds the package."""
    package = directory / below / "ostiary"
    identity = package / "identity"
    identity.mkdir(parents=True)
    (package / "__init__.py").write_text('"""A release."""\n')
    (identity / "__init__.py").write_text("")
    (identity / "behaviour.py").write_text(f"BEHAVIOUR = {behaviour!r}\n")
    (identity / "__main__.py").write_text(_MAIN)
    return directory

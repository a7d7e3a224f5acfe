"""TLS as an operator meets it: settings, `up`, a renewal under the running system, `status`."""

import json
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.certificates import DAY, HOST, Authority, ask, connect, served_serial
from tests.system import RunningSystem, call_ostiary, free_port, run_ostiary

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def settings(directory: Path, *lines: str) -> str:
    path = directory / "ostiary.toml"
    path.write_text("\n".join(["[edge]", *lines, ""]))
    return str(path)


def with_certificate(port: int, host: str = HOST) -> list[str]:
    return [
        f'public_url = "https://{host}"',
        f'listen = "127.0.0.1:{port}"',
        'certificate = "tls/cert.pem"',
        'key = "tls/key.pem"',
    ]


@pytest.fixture
def encrypted(tmp_path: Path, authority: Authority) -> Iterator[RunningSystem]:
    """A system with TLS on the port of its settings."""
    authority.issue(end=10 * DAY).put(tmp_path / "tls")
    config = settings(tmp_path, *with_certificate(free_port()))
    data = tmp_path / "data"
    try:
        up = run_ostiary("up", "--detach", "--config", config, data=data)
        yield RunningSystem(data, up, count(1))
    finally:
        call_ostiary("down", data=data)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_certificate_is_renewed_under_a_running_system_and_a_bad_one_is_refused(
    encrypted: RunningSystem, authority: Authority, tmp_path: Path
) -> None:
    files = tmp_path / "tls"
    context = authority.client()
    port = int(encrypted.up["listen"].rpartition(":")[2])
    assert encrypted.up["issuer"] == f"https://{HOST}"
    assert encrypted.up["listen"] == f"https://127.0.0.1:{port}"
    assert encrypted.up["certificate"]["days_left"] == 9
    assert "expires in 9 days" in encrypted.up["certificate"]["problem"]
    first = served_serial(port, context)
    with connect(port, context) as kept:
        page = ask(kept, "/sign-in").lower()
        assert b"strict-transport-security: max-age=31536000\r\n" in page
        assert b"set-cookie: __host-ostiary_browser=" in page
        assert b"; secure" in page

        def problem() -> str:
            return str(encrypted.status()["certificate"]["problem"])

        authority.issue("other.example.com").put(files)
        # The connection is used all the while: the edge closes one that is idle.
        until(lambda: b"200 OK" in ask(kept, "/sign-in") and "is for other" in problem())
        assert served_serial(port, context) == first

        renewed = authority.issue()
        renewed.put(files)
        until(lambda: b"200 OK" in ask(kept, "/sign-in") and problem() == "None")
        assert served_serial(port, context) == renewed.serial
        assert b"200 OK" in ask(kept, "/sign-in")

    encrypted.ostiary("down")
    (files / "cert.pem").write_text("cut")
    again = encrypted.ostiary("up", "--detach")
    assert "holds no certificate" in again["certificate"]["problem"]
    assert served_serial(port, context) == renewed.serial


@pytest.mark.parametrize(
    ("edge", "words"),
    [
        (
            ['listen = "0.0.0.0:8443"', f'public_url = "https://{HOST}"'],
            "without a certificate everyone on the way could read passwords",
        ),
        (with_certificate(8443), "expired at 20"),
        (with_certificate(8443, "other.example.com"), "not for other.example.com"),
    ],
)
def test_what_cannot_be_served_is_refused_before_anything_runs(
    edge: list[str], words: str, authority: Authority, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    expired = "other" not in edge[0] and len(edge) == 4
    end, start = (-DAY, -2 * DAY) if expired else (DAY, -DAY)
    authority.issue(start=start, end=end).put(tmp_path / "tls")

    config = settings(tmp_path, *edge)
    result = call_ostiary("up", "--detach", "--config", config, data=data)

    error = json.loads(result.stdout)["error"]
    assert result.returncode == 3, error
    assert words in error["message"] + error["hint"]
    assert call_ostiary("down", data=data).returncode == 6

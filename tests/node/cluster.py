"""Groups of oidc-provider processes that somebody else would deploy: one issuer, one Redis."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from joserfc.jwk import ECKey

MEMBER = Path(__file__).parent / "provider" / "member.mjs"
CLIENT_ID, CLIENT_SECRET = "probe", "the probe's own secret"
USERNAME, PASSWORD = "probe@example.org", "correct horse battery staple"
REDIRECT_URI = "https://probe.example.org/back"


@dataclass(frozen=True, slots=True)
class Member:
    """One running process of a group."""

    name: str
    port: int
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Cluster:
    """All groups behind one issuer. There are three keys, of which a group has some."""

    def __init__(self, node: Path, redis: Path, issuer: str, logs: Path) -> None:
        self.issuer = issuer
        self._node, self._redis, self._logs = node, redis, logs
        self._running = ExitStack()
        self._keys = {name: _new_key(name) for name in ("first", "second", "third")}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._running.close()

    def group(
        self,
        name: str,
        *,
        members: int = 2,
        signs: str = "first",
        publishes: Sequence[str] = ("first", "second"),
        faults: Sequence[str] = (),
    ) -> list[Member]:
        """Start a group whose members sign by `signs` and publish it beside `publishes`."""
        keys = [self._keys[signs], *(self._keys[each] for each in publishes if each != signs)]
        told = {
            "issuer": self.issuer,
            "redis": str(self._redis),
            "port": 0,
            "keys": keys,
            "cookieKeys": ["shared by all members"],
            "clients": [_client()],
            "accounts": {USERNAME: PASSWORD},
            "faults": list(faults),
        }
        return [self._start(told | {"name": f"{name}-{number}"}) for number in range(members)]

    def _start(self, told: dict[str, Any]) -> Member:
        with (self._logs / f"{told['name']}.log").open("w") as log:
            process = subprocess.Popen(
                [str(self._node), str(MEMBER)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._running.callback(_end, process)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(told) + "\n")
        process.stdin.flush()
        said = process.stdout.readline()
        assert said, Path(log.name).read_text()
        return Member(told["name"], json.loads(said)["port"], process)


def _client() -> dict[str, Any]:
    return {
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        "response_types": ["code"],
        "id_token_signed_response_alg": "ES256",
    }


def _new_key(name: str) -> dict[str, Any]:
    parameters = {"kid": name, "alg": "ES256", "use": "sig"}
    return dict(ECKey.generate_key("P-256", parameters, private=True).as_dict(private=True))


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


@pytest.fixture(scope="module")
def cluster(
    node: Path, redis_server: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """An issuer without members; those that tests start are gone when the module ends."""
    logs = tmp_path_factory.mktemp("cluster")
    with Cluster(node, redis_server, "https://login.example.test/op", logs) as running:
        yield running

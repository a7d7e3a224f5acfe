"""One request to a middleware around an application of a test, by ASGI and by WSGI alike."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ostiary.verify import Verifier, VerifyASGI, VerifyWSGI
from ostiary.verify.principal import PRINCIPAL_KEY


@dataclass(frozen=True)
class Got:
    """What came back. `subject` is whom the application saw: None for nobody."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def subject(self) -> str | None:
        subject: str | None = json.loads(self.body)["subject"]
        return subject

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


def _seen_by_the_application(place: Any) -> bytes:
    principal = place[PRINCIPAL_KEY]
    return json.dumps({"subject": principal and principal.subject}).encode()


async def asgi_application(scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": _seen_by_the_application(scope)})


def wsgi_application(environ: Any, start_response: Any) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [_seen_by_the_application(environ)]


def by_asgi(verifier: Verifier, *values: bytes, path: str = "/", **options: Any) -> Got:
    """Send a request with these Authorization headers."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def run() -> None:
        headers = [(b"Authorization", value) for value in values]
        scope = {"type": "http", "path": path, "headers": [(b"host", b"api"), *headers]}
        await VerifyASGI(asgi_application, verifier, **options)(scope, None, send)  # type: ignore[arg-type]

    asyncio.run(run())
    start, body = sent
    headers = {name.decode(): value.decode() for name, value in start["headers"]}
    return Got(start["status"], headers, body["body"])


def by_wsgi(verifier: Verifier, *values: bytes, path: str = "/", **options: Any) -> Got:
    """Send a request with these Authorization headers; servers join several by commas."""
    started: list[Any] = []
    environ: dict[str, Any] = {"PATH_INFO": path}
    if values:
        environ["HTTP_AUTHORIZATION"] = b",".join(values).decode("latin-1")
    middleware = VerifyWSGI(wsgi_application, verifier, **options)
    body = b"".join(middleware(environ, lambda *told: started.append(told)))
    ((status, headers),) = started
    return Got(int(status.split()[0]), dict(headers), body)


BOTH = [by_asgi, by_wsgi]

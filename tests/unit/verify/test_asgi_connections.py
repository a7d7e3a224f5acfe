"""What ASGI has beside requests: the start of the application, and WebSockets."""

import asyncio
from typing import Any

import pytest

from ostiary.verify import Verifier, VerifyASGI, VerifyWSGI
from tests.unit.verify.asking import asgi_application
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.issuer import DISCOVERY, Issuer


def test_what_the_application_raises_is_its_own(verifier: Verifier) -> None:
    """Only the verifier's own failures become answers."""

    def broken(*_: Any) -> Any:
        raise KeyError("x")

    scope = {"type": "http", "path": "/x", "headers": []}
    with pytest.raises(KeyError):
        asyncio.run(VerifyASGI(broken, verifier, public=["/x"])(scope, None, None))  # type: ignore[arg-type]
    with pytest.raises(KeyError):
        VerifyWSGI(broken, verifier, public=["/x"])({"PATH_INFO": "/x"}, broken)


def test_keys_are_fetched_when_an_asgi_application_starts(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    verifier = make_verifier()
    passed: list[str] = []

    async def application(scope: Any, _receive: Any, _send: Any) -> None:
        passed.append(scope["type"])

    asyncio.run(VerifyASGI(application, verifier)({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert passed == ["lifespan"]
    assert verifier.warm_up(60)
    assert issuer.requests[DISCOVERY] == 1


@pytest.mark.parametrize("extensions", [None, {}, {"websocket.http.response": {}}])
def test_a_websocket_is_refused_before_it_is_accepted(verifier: Verifier, extensions: Any) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/", "headers": [], "extensions": extensions}
    asyncio.run(VerifyASGI(asgi_application, verifier)(scope, None, send))  # type: ignore[arg-type]
    if extensions:
        assert [each["type"] for each in sent] == [
            "websocket.http.response.start",
            "websocket.http.response.body",
        ]
        assert sent[0]["status"] == 401
    else:
        assert sent == [{"type": "websocket.close", "code": 1008}]

"""The same routes in every framework, and what each has to answer.

`/whoami` tells who calls, `/orders` needs the scopes `orders:read` and `openid`, `/admin` one of
the roles `chief` and `owner`. Each is there as a function (`/sync/…`) and a coroutine (`/async/…`).
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from tests.unit.verify.frameworks.conftest import BearerFor
from tests.unit.verify.issuer import Issuer, dead

Ask = Callable[[str, dict[str, str]], tuple[int, Mapping[str, str], bytes]]
"""Sends a request to a path with headers; returns status, headers and body."""


def check_guards(ask: Ask, bearer: BearerFor) -> None:
    """Let in who may come in, and answer the others as RFC 6750 has it."""
    for kind in ("/sync", "/async"):
        assert json.loads(ask(f"{kind}/whoami", bearer())[2]) == {"subject": "u-ada"}
        assert ask(f"{kind}/orders", bearer())[0] == 200
        assert ask(f"{kind}/admin", bearer(roles=["owner"]))[0] == 200

        status, headers, body = ask(f"{kind}/orders", bearer(scope="openid"))
        assert status == 403
        assert headers["www-authenticate"] == (
            'Bearer realm="api", error="insufficient_scope", error_description='
            '"The access token lacks a scope that is needed here.", scope="openid orders:read"'
        )
        assert body
        status, headers, _ = ask(f"{kind}/admin", bearer())
        assert status == 403
        assert 'error="insufficient_scope"' in headers["www-authenticate"]

        status, headers, _ = ask(f"{kind}/orders", {})
        assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="api"')
        for path in ("/whoami", "/orders", "/admin", "/nothing"):
            status, headers, _ = ask(kind + path, bearer(exp=1))
            assert status == 401
            assert 'error="invalid_token"' in headers["www-authenticate"]
            assert headers["content-type"] == "application/json"


def check_absence(ask: Ask, bearer: BearerFor, issuer: Issuer) -> None:
    """Answer 503 where there are no keys."""
    issuer.fault = dead
    for kind in ("/sync", "/async"):
        status, headers, _ = ask(f"{kind}/orders", bearer())
        assert status == 503
        assert int(headers["retry-after"]) >= 1


def check_nobody(ask: Ask, bearer: BearerFor) -> None:
    """Where nobody has to be known, guarded routes are closed all the same."""
    for kind in ("/sync", "/async"):
        for path in ("/orders", "/admin"):
            status, headers, _ = ask(kind + path, {})
            assert (status, headers["www-authenticate"]) == (401, 'Bearer realm="api"')
        assert ask(f"{kind}/orders", bearer())[0] == 200


def check_forgotten(ask: Ask, bearer: BearerFor, caplog: pytest.LogCaptureFixture) -> None:
    """Without the middleware nobody gets through, and the log tells why."""
    caplog.set_level(logging.ERROR)
    for kind in ("/sync", "/async"):
        assert ask(f"{kind}/orders", bearer())[0] == 401
    assert "without the middleware of ostiary.verify" in caplog.text


def subject_of(principal: Any) -> dict[str, str | None]:
    return {"subject": principal.subject if principal else None}


def asking_asgi(application: Any) -> Ask:
    """Return how to ask an ASGI application, each time in an event loop of its own."""

    async def send(path: str, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
            return await client.get(path, headers=headers)

    def ask(path: str, headers: dict[str, str]) -> Any:
        got = asyncio.run(send(path, headers))
        return got.status_code, got.headers, got.content

    return ask

"""Middleware and guards under the real Django, served by WSGI and by ASGI."""

import asyncio
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import django
import pytest
from asgiref.testing import ApplicationCommunicator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, JsonResponse
from django.test.utils import override_settings
from django.urls import path

from ostiary.verify import ConfigurationError
from ostiary.verify.django import principal_of, require_role, require_scope
from tests.unit.verify.frameworks import expectations
from tests.unit.verify.frameworks.conftest import BearerFor
from tests.unit.verify.frameworks.expectations import Ask, subject_of
from tests.unit.verify.issuer import AUDIENCE, HandClock, Issuer


def whoami(request: HttpRequest) -> JsonResponse:
    assert request.principal is principal_of(request)  # type: ignore[attr-defined]
    return JsonResponse(subject_of(principal_of(request)))


async def whoami_async(request: HttpRequest) -> JsonResponse:
    return JsonResponse(subject_of(principal_of(request)))


urlpatterns = [
    path(f"{kind}/{name}", guarded)
    for kind, view in (("sync", whoami), ("async", whoami_async))
    for name, guarded in (
        ("whoami", view),
        ("orders", require_scope("orders:read", "openid")(view)),
        ("admin", require_role("chief", "owner")(view)),
    )
]

MIDDLEWARE = ["ostiary.verify.django.VerifyMiddleware"]


@pytest.fixture(scope="module", autouse=True)
def configured() -> None:
    if not settings.configured:
        settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, MIDDLEWARE=MIDDLEWARE)
        django.setup(set_prefix=False)


def by_wsgi(where: str, headers: dict[str, str]) -> Any:
    started: list[Any] = []
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": where,
        "SERVER_NAME": "api",
        "SERVER_PORT": "80",
        "wsgi.input": io.BytesIO(),
        "wsgi.url_scheme": "http",
        **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
    }
    answer = get_wsgi_application()(environ, lambda *told: started.append(told))
    body = b"".join(answer)
    answer.close()
    ((status, got),) = started
    return int(status.split()[0]), {name.lower(): value for name, value in got}, body


def by_asgi(where: str, headers: dict[str, str]) -> Any:
    async def run() -> Any:
        scope = {
            "type": "http",
            "method": "GET",
            "path": where,
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        connection = ApplicationCommunicator(get_asgi_application(), scope)
        await connection.send_input({"type": "http.request", "body": b""})
        start = await connection.receive_output(20)
        body = b""
        while True:
            message = await connection.receive_output(20)
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        await connection.wait(20)
        got = {name.decode().lower(): value.decode() for name, value in start["headers"]}
        return start["status"], got, body

    return asyncio.run(run())


BOTH = pytest.mark.parametrize("ask", [by_wsgi, by_asgi])


@contextmanager
def verifying(issuer: Issuer, clock: HandClock, **options: Any) -> Iterator[None]:
    told = {
        "issuer": issuer.url,
        "audience": AUDIENCE,
        "clock": clock,
        "transport": issuer.transport,
        "fetch_seconds": 60,
        "wait_seconds": 60,
        **options,
    }
    with override_settings(OSTIARY_VERIFY=told):
        yield


@BOTH
def test_guards(ask: Ask, issuer: Issuer, clock: HandClock, bearer: BearerFor) -> None:
    with verifying(issuer, clock):
        expectations.check_guards(ask, bearer)


@BOTH
def test_without_keys(ask: Ask, issuer: Issuer, clock: HandClock, bearer: BearerFor) -> None:
    with verifying(issuer, clock):
        expectations.check_absence(ask, bearer, issuer)


@BOTH
def test_where_nobody_is_required(
    ask: Ask, issuer: Issuer, clock: HandClock, bearer: BearerFor
) -> None:
    with verifying(issuer, clock, required=False):
        expectations.check_nobody(ask, bearer)


@BOTH
def test_without_the_middleware(
    ask: Ask, bearer: BearerFor, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(MIDDLEWARE=[]):
        expectations.check_forgotten(ask, bearer, caplog)


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "OSTIARY_VERIFY must be a dictionary"),
        ("https://login.example", "OSTIARY_VERIFY must be a dictionary"),
        ({}, "issuer is missing; audience is missing"),
        ({"issuer": "x", "audience": "y"}, "issuer is neither https nor http"),
        ({"issuer": "https://x", "audience": "y", "publik": []}, "there is no publik"),
        ({"issuer": "https://x", "audience": "y", "public": "/"}, "public must be a list"),
    ],
)
def test_settings_that_cannot_be_end_the_start(told: Any, said: str) -> None:
    with (
        override_settings(OSTIARY_VERIFY=told),
        pytest.raises(ConfigurationError, match=said),
    ):
        get_wsgi_application()

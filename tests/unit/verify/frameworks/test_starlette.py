"""Guards under the real Starlette."""

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ostiary.verify import Verifier, VerifyASGI
from ostiary.verify.starlette import principal_of, require_role, require_scope
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.frameworks import expectations
from tests.unit.verify.frameworks.conftest import BearerFor
from tests.unit.verify.frameworks.expectations import Ask, asking_asgi, subject_of
from tests.unit.verify.issuer import Issuer


def whoami(request: Request) -> Response:
    return JSONResponse(subject_of(principal_of(request)))


async def whoami_async(request: Request) -> Response:
    return JSONResponse(subject_of(principal_of(request)))


def routes() -> list[Route]:
    found = []
    for kind, view in (("/sync", whoami), ("/async", whoami_async)):
        found += [
            Route(f"{kind}/whoami", view),
            Route(f"{kind}/orders", require_scope("orders:read", "openid")(view)),
            Route(f"{kind}/admin", require_role("chief", "owner")(view)),
        ]
    return found


def asking(verifier: Verifier | None, **options: Any) -> Ask:
    added = [] if verifier is None else [Middleware(VerifyASGI, verifier=verifier, **options)]
    return asking_asgi(Starlette(routes=routes(), middleware=added))


def test_guards(verifier: Verifier, bearer: BearerFor) -> None:
    expectations.check_guards(asking(verifier), bearer)


def test_without_keys(make_verifier: MakeVerifier, bearer: BearerFor, issuer: Issuer) -> None:
    expectations.check_absence(asking(make_verifier()), bearer, issuer)


def test_where_nobody_is_required(verifier: Verifier, bearer: BearerFor) -> None:
    expectations.check_nobody(asking(verifier, required=False), bearer)


def test_without_the_middleware(bearer: BearerFor, caplog: pytest.LogCaptureFixture) -> None:
    expectations.check_forgotten(asking(None), bearer, caplog)


def test_a_guarded_endpoint_keeps_its_name() -> None:
    assert require_scope("a")(whoami).__name__ == "whoami"

"""Dependencies under the real FastAPI."""

from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI

from ostiary.verify import Principal, Verifier, VerifyASGI
from ostiary.verify.fastapi import principal_of, require_role, require_scope
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.frameworks import expectations
from tests.unit.verify.frameworks.conftest import BearerFor
from tests.unit.verify.frameworks.expectations import Ask, asking_asgi, subject_of
from tests.unit.verify.issuer import Issuer

Caller = Annotated[Principal, Depends(principal_of)]
Reader = Annotated[Principal, Depends(require_scope("orders:read", "openid"))]
Chief = Annotated[Principal, Depends(require_role("chief", "owner"))]


def application() -> FastAPI:
    app = FastAPI()
    for name, caller in (("whoami", Caller), ("orders", Reader), ("admin", Chief)):

        def view(principal: caller) -> dict[str, str | None]:  # type: ignore[valid-type]
            return subject_of(principal)

        async def view_async(principal: caller) -> dict[str, str | None]:  # type: ignore[valid-type]
            return subject_of(principal)

        app.get(f"/sync/{name}")(view)
        app.get(f"/async/{name}")(view_async)
    return app


def asking(verifier: Verifier | None, **options: Any) -> Ask:
    app = application()
    if verifier is not None:
        app.add_middleware(VerifyASGI, verifier=verifier, **options)
    return asking_asgi(app)


def test_guards(verifier: Verifier, bearer: BearerFor) -> None:
    expectations.check_guards(asking(verifier), bearer)


def test_without_keys(make_verifier: MakeVerifier, bearer: BearerFor, issuer: Issuer) -> None:
    expectations.check_absence(asking(make_verifier()), bearer, issuer)


def test_where_nobody_is_required(verifier: Verifier, bearer: BearerFor) -> None:
    expectations.check_nobody(asking(verifier, required=False), bearer)


def test_without_the_middleware(bearer: BearerFor, caplog: pytest.LogCaptureFixture) -> None:
    expectations.check_forgotten(asking(None), bearer, caplog)


def test_guards_do_not_stand_in_the_description_of_the_api_as_parameters() -> None:
    described = application().openapi()["paths"]["/sync/orders"]["get"]
    assert "parameters" not in described
    assert "requestBody" not in described

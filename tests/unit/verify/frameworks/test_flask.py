"""Guards under the real Flask."""

from typing import Any

import pytest
from flask import Flask

from ostiary.verify import Verifier, VerifyWSGI
from ostiary.verify.flask import current_principal, require_role, require_scope
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.frameworks import expectations
from tests.unit.verify.frameworks.conftest import BearerFor
from tests.unit.verify.frameworks.expectations import Ask, subject_of
from tests.unit.verify.issuer import Issuer


def whoami() -> dict[str, str | None]:
    return subject_of(current_principal())


async def whoami_async() -> dict[str, str | None]:
    return subject_of(current_principal())


def asking(verifier: Verifier | None, **options: Any) -> Ask:
    app = Flask(__name__)
    for kind, view in (("sync", whoami), ("async", whoami_async)):
        guarded = {
            "whoami": view,
            "orders": require_scope("orders:read", "openid")(view),
            "admin": require_role("chief", "owner")(view),
        }
        for name, each in guarded.items():
            app.add_url_rule(f"/{kind}/{name}", f"{kind}-{name}", each)
    if verifier is not None:
        app.wsgi_app = VerifyWSGI(app.wsgi_app, verifier, **options)  # type: ignore[method-assign]
    client = app.test_client()

    def ask(path: str, headers: dict[str, str]) -> Any:
        got = client.get(path, headers=headers)
        return got.status_code, {n.lower(): v for n, v in got.headers.items()}, got.data

    return ask


def test_guards(verifier: Verifier, bearer: BearerFor) -> None:
    expectations.check_guards(asking(verifier), bearer)


def test_without_keys(make_verifier: MakeVerifier, bearer: BearerFor, issuer: Issuer) -> None:
    expectations.check_absence(asking(make_verifier()), bearer, issuer)


def test_where_nobody_is_required(verifier: Verifier, bearer: BearerFor) -> None:
    expectations.check_nobody(asking(verifier, required=False), bearer)


def test_without_the_middleware(bearer: BearerFor, caplog: pytest.LogCaptureFixture) -> None:
    expectations.check_forgotten(asking(None), bearer, caplog)

"""Tokens that the login service itself mints, with the keys and the metadata that it publishes."""

import asyncio
import json
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ostiary.verify import Reason, TokenRefusedError, Verifier
from tests.fakes.clock import FakeClock
from tests.identity_app import ISSUER, IdentityService, build_identity
from tests.unit.verify.issuer import encoded


class ClockOf:
    """The clock of the login service, as a verifier reads one."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock

    def unix(self) -> float:
        return self._clock.now().timestamp()

    def monotonic(self) -> float:
        return self._clock.monotonic()


def transport_to(service: IdentityService) -> httpx.MockTransport:
    def answer(request: httpx.Request) -> httpx.Response:
        got = service.edge().request("GET", request.url.path)
        headers = {name: value for name, value in got.headers.items() if name != "content-length"}
        return httpx.Response(got.status_code, headers=headers, content=got.content)

    return httpx.MockTransport(answer)


@pytest.fixture(params=["ES256", "RS256", "EdDSA"])
def service(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[IdentityService]:
    built = build_identity(tmp_path, signing_algorithm=request.param, audience="urn:orders")
    yield built
    built.close()


@pytest.fixture
def verifier(service: IdentityService) -> Iterator[Verifier]:
    made = Verifier(
        issuer=ISSUER,
        audience="urn:orders",
        allow_http=True,
        clock=ClockOf(service.clock),
        transport=transport_to(service),
        fetch_seconds=60,
        wait_seconds=60,
    )
    yield made
    made.close()


def client_token(service: IdentityService) -> str:
    client: dict[str, Any] = service.add_client(
        "svc", public=False, grants=["client_credentials"], redirect_uris=[], scopes=["api.read"]
    )
    basic = b64encode(f"svc:{client['client_secret']}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "api.read"}
    answer = service.edge().post("/oauth2/token", form, headers={"authorization": f"Basic {basic}"})
    assert answer.status_code == 200, answer.text
    return str(answer.json["access_token"])


def test_its_tokens_are_accepted_and_end_when_they_say(
    service: IdentityService, verifier: Verifier
) -> None:
    token = client_token(service)
    for principal in (verifier.verify(token), asyncio.run(verifier.verify_async(token))):
        assert (principal.subject, principal.client_id) == ("svc", "svc")
        assert principal.is_client
        assert principal.scopes == {"api.read"}
    service.clock.advance(86_400)
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token)
    assert caught.value.reason is Reason.EXPIRED


def test_a_key_that_it_withdraws_counts_no_longer_after_the_stated_time(
    service: IdentityService, verifier: Verifier
) -> None:
    token = client_token(service)
    assert verifier.verify(token)
    answer = service.admin("POST", "/admin/keys/rotate", {"revoke": True})
    assert answer.status_code == 200, answer.text
    service.clock.advance(15)
    # A token with a key id that nobody knows is what makes the keys be read again here.
    with pytest.raises(TokenRefusedError):
        verifier.verify(unknown_key(token))
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token)
    assert caught.value.reason is Reason.UNKNOWN_KEY


def unknown_key(token: str) -> str:
    """Return the token with the id of a key that there is not."""
    head, _, rest = token.partition(".")
    header = json.loads(urlsafe_b64decode(head + "==")) | {"kid": "nobody"}
    return f"{encoded(json.dumps(header).encode())}.{rest}"

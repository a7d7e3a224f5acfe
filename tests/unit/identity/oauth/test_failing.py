"""Failures of this service itself: told as such, and nothing is used up by them."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from ostiary.identity.keys.pool import NEXT_KEYS
from ostiary.identity.keys.signing import Signer, SigningUnavailableError
from ostiary.identity.store.engine import Store, StoreUnavailableError
from ostiary.kernel.outcomes import Outcome
from ostiary.kernel.request_kinds import KIND_HEADER
from tests.identity_app import IdentityService, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, basic


@contextmanager
def store_away(monkeypatch: pytest.MonkeyPatch, *, is_busy: bool = False) -> Iterator[None]:
    def refuse(*_arguments: object, **_options: object) -> object:
        raise StoreUnavailableError("gone", is_busy=is_busy)

    with monkeypatch.context() as patch:
        patch.setattr(Store, "read", refuse)
        patch.setattr(Store, "write", refuse)
        yield


@contextmanager
def signing_broken(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_arguments: object) -> str:
        raise SigningUnavailableError(Outcome.SIGNING_FAILED, "broken")

    with monkeypatch.context() as patch:
        patch.setattr(Signer, "sign", refuse)
        yield


@pytest.mark.parametrize("is_busy", [True, False])
def test_what_is_remembered_counts_while_the_store_is_away_and_not_while_it_is_busy(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch, is_busy: bool
) -> None:
    token = party.tokens()["access_token"]
    bearer = {"authorization": f"Bearer {token}"}

    def ask() -> list[int]:
        answers = (
            party.browser.get("/demo"),
            party.browser.get("/oauth2/userinfo", headers=bearer),
        )
        return [answer.status_code for answer in answers]

    assert ask() == [200, 200]
    # Somebody commits something, so that the store itself has to be asked again.
    party.service.add_user("bob@example.org")
    with store_away(monkeypatch, is_busy=is_busy):
        assert ask() == ([503, 503] if is_busy else [200, 200])


def test_a_code_survives_a_failure_of_signing(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = party.code()
    with signing_broken(monkeypatch):
        answer = party.redeem(code)
    assert (answer.status_code, outcome_of(answer)) == (503, "signing_failed")
    assert answer.json["error"] == "temporarily_unavailable"
    assert answer.headers["retry-after"]
    assert party.redeem(code).status_code == 200


def test_a_refresh_token_survives_a_failure_of_signing(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens = party.tokens()
    with signing_broken(monkeypatch):
        answer = party.refresh(tokens["refresh_token"])
    assert (answer.status_code, outcome_of(answer)) == (503, "signing_failed")
    party.service.clock.advance(60)
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_without_a_key_tokens_wait_and_everything_else_goes_on(
    service: IdentityService, party: RelyingParty
) -> None:
    token = party.tokens()["access_token"]
    for number in range(NEXT_KEYS - 1):
        service.replica(snapshot=f"s-{number}")
    late = service.replica(snapshot="s-late")
    assert not late.identity.is_ready()
    answer = party.redeem(party.code(), at=late)
    assert (answer.status_code, outcome_of(answer)) == (503, "signing_failed")
    assert party.userinfo(token, at=late).status_code == 200
    assert late.edge().get("/oauth2/jwks").status_code == 200
    service.clock.advance(65)
    assert late.identity.is_ready()
    assert party.redeem(party.code(), at=late).status_code == 200


def test_while_the_store_is_away_nobody_is_told_that_their_credentials_are_wrong(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, tokens = party.code(), party.tokens()
    with store_away(monkeypatch):
        answers = [
            party.userinfo(tokens["access_token"]),
            party.redeem(code),
            party.refresh(tokens["refresh_token"]),
            party.service.edge().post(
                "/oauth2/introspect", {"token": tokens["access_token"]}, headers=basic("a", "b")
            ),
            party.authorize(),
            party.browser.get(f"/oauth2/end-session?id_token_hint={tokens['id_token']}"),
        ]
    for answer in answers:
        assert (answer.status_code, outcome_of(answer)) == (503, "store_unavailable")
        assert answer.headers["retry-after"]
    assert party.redeem(code).status_code == 200
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_while_the_store_is_away_bad_tokens_are_still_told_apart(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = party.tokens()["access_token"]
    with store_away(monkeypatch):
        tampered = party.userinfo(token[:-2] + "xx")
        assert (tampered.status_code, outcome_of(tampered)) == (401, "invalid_token")
        missing = party.service.edge().get("/oauth2/userinfo")
        assert (missing.status_code, outcome_of(missing)) == (401, "no_credentials")


def test_while_the_store_is_away_discovery_and_keys_are_served(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store_away(monkeypatch):
        for _ in range(10):
            party.service.clock.advance(30)
            assert party.service.edge().get("/oauth2/jwks").json["keys"]
            assert party.service.edge().get("/.well-known/openid-configuration").json
            assert party.service.identity.is_ready()


def test_tokens_and_secrets_are_not_logged(
    party: RelyingParty, capsys: pytest.CaptureFixture[str]
) -> None:
    code = party.code()
    tokens = party.redeem(code).json
    party.refresh(tokens["refresh_token"])
    party.redeem(code)
    party.userinfo(tokens["access_token"] + "x")
    printed = capsys.readouterr()
    for secret in (code, *(tokens[name] for name in ("access_token", "refresh_token"))):
        assert secret not in printed.out + printed.err
    assert "code reused" in printed.out


def test_answers_name_the_grant_however_they_end(
    party: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The edge counts by it, and a failure without its grant would be lost in the class."""
    edge = party.service.edge()

    def kind_of(grant_type: str) -> tuple[str, str | None]:
        answer = edge.post("/oauth2/token", {"grant_type": grant_type}, headers=basic("x", "y"))
        return outcome_of(answer), answer.headers.get(KIND_HEADER)

    grants = ["authorization_code", "refresh_token", "client_credentials"]
    for grant_type in grants:
        assert kind_of(grant_type) == ("invalid_client", grant_type)
    for grant_type in ("", "password", "AUTHORIZATION_CODE", "refresh_token x", "é"):
        assert kind_of(grant_type)[1] is None
    code = party.code()
    with signing_broken(monkeypatch):
        failed = party.redeem(code)
    assert (outcome_of(failed), failed.headers[KIND_HEADER]) == (
        "signing_failed",
        "authorization_code",
    )


def test_only_asking_for_a_session_is_a_sign_in_by_password(party: RelyingParty) -> None:
    edge = party.service.edge()
    assert edge.sign_in().headers[KIND_HEADER] == "password"
    assert edge.post("/sign-in", {"email": "x"}).headers[KIND_HEADER] == "password"
    assert KIND_HEADER not in edge.get("/sign-in").headers

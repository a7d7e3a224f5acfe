"""Refreshing: rotation, reuse, and the grace for answers that got lost."""

import pytest

from tests.identity_app import IdentityService, counted_statements, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, decoded


def family_is_revoked(party: RelyingParty, tokens: dict[str, str]) -> bool:
    return party.userinfo(tokens["access_token"]).status_code == 401


def test_a_refresh_gives_new_tokens_for_the_same_sign_in(party: RelyingParty) -> None:
    first = party.tokens()
    party.service.clock.advance(100)
    answer = party.refresh(first["refresh_token"])
    assert (answer.status_code, outcome_of(answer)) == (200, "ok")
    second = answer.json
    assert second["refresh_token"] != first["refresh_token"]
    assert second["scope"] == first["scope"]
    before, after = decoded(first["access_token"]), decoded(second["access_token"])
    for name in ("sub", "aud", "client_id", "auth_time", "roles", "grant_id"):
        assert after[name] == before[name]
    assert after["iat"] == before["iat"] + 100
    identity = decoded(second["id_token"])
    assert "nonce" not in identity
    assert identity["auth_time"] == before["auth_time"]


def test_refresh_tokens_are_stored_hashed(party: RelyingParty) -> None:
    tokens = party.tokens()
    with party.service.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM refresh_tokens").all()
    assert len(rows) == 1
    assert tokens["refresh_token"] not in str(rows)


def test_changed_roles_show_in_the_next_token(party: RelyingParty) -> None:
    tokens = party.tokens()
    with party.service.store.write() as connection:
        connection.exec_driver_sql("UPDATE users SET roles = '[\"reader\"]'")
    refreshed = party.refresh(tokens["refresh_token"]).json
    assert decoded(refreshed["access_token"])["roles"] == ["reader"]


def test_a_replaced_token_revokes_the_family_after_the_grace(party: RelyingParty) -> None:
    first = party.tokens()
    second = party.refresh(first["refresh_token"]).json
    party.service.clock.advance(11)
    answer = party.refresh(first["refresh_token"])
    assert answer.json["error"] == "invalid_grant"
    assert family_is_revoked(party, second)
    assert party.refresh(second["refresh_token"]).json["error"] == "invalid_grant"


def test_a_replaced_token_revokes_the_family_once_its_successor_was_used(
    party: RelyingParty,
) -> None:
    first = party.tokens()
    second = party.refresh(first["refresh_token"]).json
    third = party.refresh(second["refresh_token"]).json
    assert party.refresh(first["refresh_token"]).json["error"] == "invalid_grant"
    assert family_is_revoked(party, third)


def test_a_client_that_lost_the_answer_may_ask_again_within_the_grace(party: RelyingParty) -> None:
    first = party.tokens()
    party.refresh(first["refresh_token"])
    party.service.clock.advance(10)
    again = party.refresh(first["refresh_token"])
    assert again.status_code == 200
    assert party.refresh(again.json["refresh_token"]).status_code == 200


def test_asking_again_does_not_lengthen_the_grace(party: RelyingParty) -> None:
    first = party.tokens()
    for _ in range(3):
        assert party.refresh(first["refresh_token"]).status_code == 200
        party.service.clock.advance(5)
    assert party.refresh(first["refresh_token"]).json["error"] == "invalid_grant"


def test_of_two_successors_the_one_used_second_revokes_the_family(party: RelyingParty) -> None:
    """A thief who is quick enough to use the grace is noticed when the client goes on."""
    stolen = party.tokens()["refresh_token"]
    clients = party.refresh(stolen).json
    thiefs = party.refresh(stolen).json
    assert party.refresh(thiefs["refresh_token"]).status_code == 200
    assert party.refresh(clients["refresh_token"]).json["error"] == "invalid_grant"
    assert family_is_revoked(party, clients)


def test_refresh_tokens_expire(party: RelyingParty) -> None:
    tokens = party.tokens()
    party.service.clock.advance(1_209_600)
    answer = party.refresh(tokens["refresh_token"])
    assert answer.json["error"] == "invalid_grant"
    assert outcome_of(answer) == "expired"


def test_each_refresh_starts_the_life_anew(party: RelyingParty) -> None:
    token = party.tokens()["refresh_token"]
    for _ in range(4):
        party.service.clock.advance(1_000_000)
        answer = party.refresh(token)
        assert answer.status_code == 200
        token = answer.json["refresh_token"]


def test_a_token_of_another_client_is_refused_and_stays_good(party: RelyingParty) -> None:
    party.service.add_client("other")
    tokens = party.tokens()
    thief = RelyingParty(party.service, party.browser, client_id="other")
    assert thief.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_a_disabled_user_is_refused_until_enabled_and_signed_in_again(party: RelyingParty) -> None:
    tokens = party.tokens()
    party.service.admin("POST", "/admin/users/ada@example.org/disable")
    answer = party.refresh(tokens["refresh_token"])
    assert answer.json["error"] == "invalid_grant"
    assert outcome_of(answer) in {"invalid_grant", "user_disabled"}


def test_signing_out_ends_the_grant(party: RelyingParty) -> None:
    tokens = party.tokens()
    party.browser.submit("/sign-out", {})
    assert party.refresh(tokens["refresh_token"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize("token", ["nonsense", "ü", "a" * 60_000, " "])
def test_a_token_that_nobody_issued_is_refused(party: RelyingParty, token: str) -> None:
    answer = party.refresh(token)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")


def test_a_missing_token_is_an_invalid_request(party: RelyingParty) -> None:
    form = {"grant_type": "refresh_token", "client_id": "app"}
    answer = party.service.edge().post("/oauth2/token", form)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def refresh_with_scope(party: RelyingParty, token: str, scope: str):
    form = {
        "grant_type": "refresh_token",
        "client_id": "app",
        "refresh_token": token,
        "scope": scope,
    }
    return party.service.edge().post("/oauth2/token", form)


def test_a_narrower_scope_holds_for_one_access_token_only(party: RelyingParty) -> None:
    tokens = party.tokens()
    narrow = refresh_with_scope(party, tokens["refresh_token"], "email").json
    assert decoded(narrow["access_token"])["scope"] == "email"
    assert "id_token" not in narrow
    assert party.refresh(narrow["refresh_token"]).json["scope"] == tokens["scope"]


def test_a_wider_scope_is_refused_and_uses_nothing_up(party: RelyingParty) -> None:
    tokens = party.tokens()
    answer = refresh_with_scope(party, tokens["refresh_token"], "openid api.admin")
    assert (answer.json["error"], outcome_of(answer)) == ("invalid_scope", "invalid_scope")
    assert party.refresh(tokens["refresh_token"]).status_code == 200


def test_old_grants_are_forgotten_beside_the_requests(
    service: IdentityService, party: RelyingParty
) -> None:
    tokens = party.tokens()
    party.refresh(tokens["refresh_token"])
    service.clock.advance(3 * 86_400)
    party.browser.sign_in()
    party.code()
    with service.store.read() as connection:
        codes = connection.exec_driver_sql("SELECT * FROM authorization_codes").all()
        kept = connection.exec_driver_sql("SELECT * FROM refresh_tokens").all()
    assert len(codes) == 1
    assert len(kept) == 1


def test_refreshing_costs_few_statements_and_one_write_transaction(party: RelyingParty) -> None:
    token = party.tokens()["refresh_token"]
    with counted_statements() as statements:
        assert party.refresh(token).status_code == 200
    assert len(statements.reads) == 6
    assert len(statements.writes) == 2
    assert statements.write_transactions == 1

"""When a session serves an authorization request, as a table."""

import pytest

from ostiary.identity.oauth.authorization.login_decision import (
    LoginDecision,
    LoginDemand,
    decide_login,
    fingerprint,
    read_demand,
)
from ostiary.identity.sessions.model import Session

SESSION = Session("hash-1", "ada", created_at=1000, expires_at=9000, minted_by="s-1")
OTHER = Session("hash-2", "ada", created_at=1000, expires_at=9000, minted_by="s-1")
PROCEED, SIGN_IN, REFUSE = LoginDecision.PROCEED, LoginDecision.SIGN_IN, LoginDecision.REFUSE


@pytest.mark.parametrize(
    ("prompts", "max_age", "session", "replaced", "decision"),
    [
        ("", None, SESSION, None, PROCEED),
        ("", None, None, None, SIGN_IN),
        ("none", None, SESSION, None, PROCEED),
        ("none", None, None, None, REFUSE),
        ("none", 99, SESSION, None, REFUSE),
        ("none", 100, SESSION, None, PROCEED),
        ("login", None, SESSION, None, SIGN_IN),
        ("login", None, SESSION, SESSION, SIGN_IN),
        ("login", None, OTHER, SESSION, PROCEED),
        ("login", None, None, SESSION, SIGN_IN),
        ("select_account", None, OTHER, SESSION, PROCEED),
        ("consent", None, SESSION, None, PROCEED),
        ("", 99, SESSION, None, SIGN_IN),
        ("", 99, OTHER, SESSION, SIGN_IN),
        ("", 0, SESSION, None, SIGN_IN),
        ("", 0, OTHER, SESSION, PROCEED),
    ],
)
def test_decisions(
    prompts: str,
    max_age: int | None,
    session: Session | None,
    replaced: Session | None,
    decision: LoginDecision,
) -> None:
    marker = None if replaced is None else fingerprint(replaced)
    demand = LoginDemand(frozenset(prompts.split()), max_age, marker)
    assert decide_login(demand, session, now=1100) is decision


def test_a_person_who_had_no_session_has_replaced_it_by_signing_in() -> None:
    demand = LoginDemand(frozenset({"login"}), None, fingerprint(None))
    assert decide_login(demand, SESSION, now=1100) is PROCEED


def test_a_fingerprint_gives_no_hash_away() -> None:
    assert fingerprint(SESSION) not in SESSION.session_hash
    assert fingerprint(SESSION) != fingerprint(OTHER)


def test_an_age_of_centuries_is_no_limit() -> None:
    assert read_demand({"max_age": "9" * 5000}).max_age_seconds is None

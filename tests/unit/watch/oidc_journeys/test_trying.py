import time

import pytest

from ostiary.watch.relying_party.errors import FailureKind
from tests.unit.watch.oidc_journeys.conftest import PASSWORD, SECRET
from tests.unit.watch.small_provider.provider import DROP

FOUND = {
    "crash": ("sign_in", "sign_in", FailureKind.FAULT),
    "refuses_everybody": ("sign_in", "sign_in", FailureKind.REFUSED),
    "session_cookie_lost": ("sign_in", "sign_in", FailureKind.REFUSED),
    "drops_state": ("sign_in", "sign_in", FailureKind.WRONG_CONTENT),
    "token_endpoint_crashes": ("sign_in", "token", FailureKind.FAULT),
    "client_credentials_crash": ("client_credentials", "client_credentials", FailureKind.FAULT),
    "no_refresh_token": ("sign_in", "token", FailureKind.WRONG_CONTENT),
    "refresh_1_crashes": ("sign_in", "refresh", FailureKind.FAULT),
    "wrong_issuer": ("discovery", "discovery", FailureKind.WRONG_CONTENT),
    "no_keys": ("discovery", "keys", FailureKind.WRONG_CONTENT),
    "private_keys": ("discovery", "keys", FailureKind.WRONG_CONTENT),
    "unknown_kid": ("sign_in", "token", FailureKind.WRONG_CONTENT),
    "wrong_key": ("sign_in", "token", FailureKind.WRONG_CONTENT),
    "drops_nonce": ("sign_in", "token", FailureKind.WRONG_CONTENT),
    "wrong_at_hash": ("sign_in", "token", FailureKind.WRONG_CONTENT),
    "wrong_authorized_party": ("sign_in", "token", FailureKind.WRONG_CONTENT),
    "wrong_identity": ("sign_in", "userinfo", FailureKind.WRONG_IDENTITY),
    "accepts_any_password": ("wrong_password", "sign_in", FailureKind.GRANTED),
    "open_redirect": ("wrong_redirect_uri", "sign_in", FailureKind.GRANTED),
    "redirect_prefix_match": ("wrong_redirect_uri", "sign_in", FailureKind.GRANTED),
    "code_reusable": ("used_code", "used_code", FailureKind.GRANTED),
    "verifier_optional": ("code_without_verifier", "code_without_verifier", FailureKind.GRANTED),
    "any_client_secret": ("wrong_client_secret", "wrong_client_secret", FailureKind.GRANTED),
    "introspect_always_active": (
        "rubbish_is_inactive",
        "introspect_rubbish",
        FailureKind.GRANTED,
    ),
    "drops_next_keys": ("published", "keys", FailureKind.WRONG_CONTENT),
    "swaps_keys": ("published", "keys", FailureKind.WRONG_CONTENT),
    "refuses_foreign_tokens": ("minted_by_last_good", "userinfo_elsewhere", FailureKind.REFUSED),
}
"""By the mistake of a release: which journey finds it, at which step, and as what."""


def test_a_healthy_group_passes_whole(provider, rehearse):
    tried = rehearse([provider("s-new"), provider("s-new")], [provider(), provider()])

    assert tried.report.failures == tried.broken == ()
    assert tried.report.passed
    assert {"authorize", "token.refresh_token", "userinfo"} <= tried.report.strata_passed


@pytest.mark.parametrize("fault", FOUND)
def test_each_mistake_is_found_by_its_journey(provider, rehearse, registered, fault):
    registered.key_of("next")
    tried = rehearse([provider("s-new", fault)], [provider()])

    journey, step, kind = FOUND[fault]
    found = [(each.journey, each.step, each.kind) for each in tried.report.failures]
    assert (f"oidc.{journey}", step, kind) in found
    assert not tried.report.passed
    told = " ".join(map(str, tried.report.failures))
    assert PASSWORD not in told
    assert SECRET not in told


@pytest.mark.parametrize("fault", ["crash", "accepts_any_password", "introspect_always_active"])
def test_what_last_good_does_as_well_is_told_and_refuses_nothing(provider, rehearse, fault):
    tried = rehearse([provider("s-new", fault)], [provider("s-good", fault)])

    assert tried.report.failures == ()
    assert tried.broken


def test_one_bad_member_is_found_behind_a_good_one(provider, rehearse):
    members = [provider("s-new"), provider("s-new", "token_endpoint_crashes")]
    tried = rehearse(members, [provider()])

    assert {each.target for each in tried.report.failures} == {"candidate-1"}


def test_a_member_that_hangs_up_is_told_as_no_answer(provider, rehearse):
    tried = rehearse([provider("s-new", before=lambda _request: DROP)], [provider()])

    assert {each.kind for each in tried.report.failures} == {FailureKind.NO_ANSWER}


def test_a_member_that_hangs_is_told_as_a_timeout(provider, rehearse, monkeypatch):
    monkeypatch.setattr("ostiary.watch.discovery_pair._SECONDS_MAX", 0.2)
    tried = rehearse([provider("s-new", before=lambda _request: time.sleep(1))], [provider()])

    assert {each.kind for each in tried.report.failures} == {FailureKind.TIMEOUT}


def test_without_an_account_nobody_signs_in(provider, rehearse, registered):
    changed = {"username": None, "refresh": False, "scope": "openid"}
    tried = rehearse([provider("s-new", "crash")], [provider()], **changed)

    assert tried.report.passed
    assert not registered.sessions

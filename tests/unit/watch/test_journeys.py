"""Every journey finds the mistakes that it is there for, and names the step.

Each is walked alone at a small provider that makes one mistake. That a rehearsal walks them all,
and that the login service passes, is shown elsewhere.
"""

import asyncio

import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.watch.journeys import published_keys
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_api import AdminApiError
from ostiary.watch.journeys.existing_users import existing_users_set
from ostiary.watch.journeys.in_use import BASIC_KINDS, CODE, ClientKind, InUse
from ostiary.watch.journeys.phases import rehearsal_phases
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.published_keys import keys_stay_published
from ostiary.watch.journeys.report import JourneyReport
from ostiary.watch.journeys.running import Journey, run_journeys
from ostiary.watch.relying_party.as_edge import AsEdge
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.target import Target
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN, SmallProvider
from tests.unit.watch.small_provider.store import NEW_FORMAT, OLD_FORMAT, Store

ISSUER = "http://login.example.test"
OWN_SCOPES = ClientKind(public=False, grants=frozenset({CODE}), own_audience=True, own_scopes=True)
IN_USE = InUse((NEW_FORMAT, OLD_FORMAT), (*BASIC_KINDS, OWN_SCOPES))
OLD = f"retained_hash:{OLD_FORMAT}"
ROUND = "last good->candidate"
BACK = "candidate->last good"

JOURNEYS = {
    ("refuses_everybody", "sign_in_code_flow"): None,
    ("session_cookie_lost", "sign_in_code_flow"): None,
    ("drops_state", "sign_in_code_flow"): None,
    ("drops_iss", "sign_in_code_flow"): None,
    ("drops_nonce", "sign_in_code_flow"): None,
    ("wrong_at_hash", "sign_in_code_flow"): None,
    ("wrong_audience", "sign_in_code_flow"): None,
    ("wrong_type", "sign_in_code_flow"): None,
    ("wrong_key", "sign_in_code_flow"): None,
    ("unknown_kid", "sign_in_code_flow"): None,
    ("token_endpoint_crashes", "sign_in_code_flow"): None,
    ("extra_audience", "sign_in_code_flow"): None,
    ("wrong_client_id", "sign_in_code_flow"): None,
    ("wrong_authorized_party", "sign_in_code_flow"): None,
    ("roles_for_all", "sign_in_code_flow"): None,
    ("expires_in_a_year", "sign_in_code_flow"): None,
    ("id_token_of_a_year", "sign_in_code_flow"): None,
    ("issued_in_the_future", "sign_in_code_flow"): None,
    ("issued_long_ago", "sign_in_code_flow"): None,
    ("unlisted_algorithm", "sign_in_code_flow"): None,
    ("no_refresh_token", "sign_in_code_flow"): None,
    ("no_rotation", "sign_in_code_flow"): None,
    ("wrong_identity", "sign_in_code_flow"): None,
    ("one_subject_for_all", "sign_in_code_flow"): None,
    ("session_survives", "sign_in_code_flow"): None,
    ("end_session_broken", "sign_in_code_flow"): None,
    ("flags_crash", "sign_in_code_flow"): None,
    ("flags_without_keys", "sign_in_code_flow"): None,
    ("flags_without_values", "sign_in_code_flow"): "flags",
    ("one_flag_differs", "sign_in_code_flow"): "one_flag",
    ("one_flag_in_error_crashes", "client_credentials"): "one_flag",
    ("unknown_flag_crashes", "sign_in_code_flow"): "unknown_flag",
    ("forgets_the_way_back", "sign_in_code_flow"): "end_session",
    ("leaves_once", "sign_in_code_flow"): "end_session_without_session",
    ("forgets_logout_state", "sign_in_code_flow"): "end_session",
    ("forgets_replaced_session", "replaced_session"): "refresh_of_first_after_sign_out",
    ("grants_survive", "replaced_session"): "refresh_of_first_after_sign_out",
    ("sign_up_page_crashes", "sign_up"): None,
    ("sign_up_refuses_everybody", "sign_up"): None,
    ("sign_up_without_session", "sign_up"): None,
    ("sign_up_as_another", "sign_up"): None,
    ("sign_up_takes_over", "sign_up"): None,
    ("sign_up_tells_whose", "sign_up"): None,
    ("sign_up_spoils_password", "sign_up"): None,
    ("unknown_user_crashes", "unknown_user"): None,
    ("no_csrf_check", "forged_form"): None,
    ("unknown_client_redirected", "authorize_refusals"): None,
    ("open_redirect", "authorize_refusals"): None,
    ("disabled_signs_in", "disabled_user"): None,
    ("disabled_keeps_session", "disabled_user"): None,
    ("disabled_refreshes", "disabled_user"): None,
    ("no_challenge", "no_token"): None,
    ("signature_ignored", "tampered_token"): None,
    ("alg_none_accepted", "tampered_token"): None,
    ("introspect_always_active", "tampered_token"): None,
    ("any_client_secret", "wrong_client_secret"): None,
    ("verifier_ignored", "wrong_verifier"): None,
    ("code_of_anybody", "code_of_another_client"): None,
    ("code_reusable", "reused_code"): None,
    ("keeps_family_of_reused_code", "reused_code"): None,
    ("refresh_reusable", "reused_refresh"): None,
    ("keeps_family_of_reused_refresh", "reused_refresh"): None,
    ("refresh_1_crashes", "sign_in_code_flow"): "refresh",
    ("refresh_2_crashes", "sign_in_code_flow"): "second_refresh",
    ("refresh_3_crashes", "sign_in_code_flow"): "third_refresh",
    ("kept_tokens", "sign_in_code_flow"): "token",
    ("admin_obeys_everybody", "operators_only"): "without_admin_token",
    ("keys_forget_to_ask", "operators_only"): "without_admin_token",
    ("admin_audit_breaks", "operators"): "audit_of_sign_in",
    ("notes_no_sign_in", "operators"): "audit_of_sign_in",
    ("takes_edge_for_client", "operators"): "audit_of_sign_in",
    ("admin_breaks_at_bad_limits", "operators"): "bad_limit",
    ("admin_keeps_sessions", "operators"): "session_from_before",
    ("admin_keys_breaks", "operators"): "keys",
    ("admin_in-use_breaks", "operators"): "in_use",
    ("admin_breaks_at_mails_of_nobody", "operators"): "mails_of_deleted",
    ("admin_makes_no_users", "operators"): "create_user",
    ("admin_makes_users_twice", "operators"): "create_user_again",
    ("admin_makes_no_clients", "operators"): "create_client",
    ("admin_tells_another_secret", "operators"): "token",
    ("admin_lists_nothing", "operators"): "list_users",
    ("admin_lists_probes", "operators"): "list_users",
    ("admin_disables_nobody", "operators"): "sign_in",
    ("admin_breaks_at_bad_users", "operators"): "bad_user",
    ("admin_deletes_nothing", "operators"): "delete_user_again",
    ("redirects_with_body", "sign_in_code_flow"): "sign_in",
    ("ascii_names", "non_ascii_user"): "sign_in",
    ("exact_names", "non_ascii_user"): "sign_in",
    ("exact_passwords", "non_ascii_user"): "sign_in",
    ("mixes_users", "at_once"): "userinfo",
    ("no_public_clients", "client_kind:public,authorization_code,refresh_token"): "token",
    ("no_machine_clients", "client_kind:confidential,client_credentials"): "client_credentials",
    ("no_secret_in_form", "client_kind:confidential,client_credentials"): "client_secret_post",
    ("refresh_for_machines", "client_kind:confidential,client_credentials"): "client_credentials",
    (
        "any_grant",
        "client_kind:confidential,authorization_code,refresh_token",
    ): "client_credentials_refused",
    ("csrf_token_optional", "forged_form"): "forged_form",
    ("any_origin", "forged_form"): "foreign_origin",
    ("csrf_token_of_anybody", "forged_form"): "forged_form",
    ("redirect_prefix_of_own", "authorize_refusals"): "redirect_uri:shorter_path",
    ("redirect_prefix_match", "authorize_refusals"): "redirect_uri:longer_path",
    ("redirect_host_match", "authorize_refusals"): "redirect_uri:longer_path",
    ("redirect_host_suffix", "authorize_refusals"): "redirect_uri:longer_path",
    ("redirect_case_ignored", "authorize_refusals"): "redirect_uri:other_case",
    ("redirect_stripped", "authorize_refusals"): "redirect_uri:fragment",
    ("redirect_contained", "authorize_refusals"): "redirect_uri:longer_path",
    ("last_parameter_wins", "authorize_refusals"): "redirect_uri:twice",
    ("implicit", "authorize_refusals"): "response_type:token",
    ("accepts_plain_pkce", "authorize_refusals"): "pkce:plain",
    ("pkce_optional", "authorize_refusals"): "pkce:no_challenge",
    ("drops_iss_in_errors", "authorize_refusals"): "pkce:plain",
    ("session_fixed", "planted_sign_in"): "planted_cookies",
    ("open_return_to", "planted_sign_in"): "return_to",
    ("follows_the_form", "planted_sign_in"): "return_to",
    ("open_post_logout", "misused_tokens"): "post_logout_redirect:no_hint",
    ("open_with_hint", "misused_tokens"): "post_logout_redirect:with_hint",
    ("framed_pages", "safe_pages"): "sign_in_page",
    ("kept_pages", "safe_pages"): "sign_in_page",
    ("leaking_pages", "safe_pages"): "sign_in_page",
    ("framed_errors", "safe_pages"): "error_page",
    ("odd_caching", "safe_pages"): "icon",
    ("token_in_address", "misused_tokens"): "token_in_address",
    ("any_type", "misused_tokens"): "id_token_as_bearer",
    ("refresh_token_is_bearer", "misused_tokens"): "refresh_token_as_bearer",
    ("audience_ignored", "misused_tokens"): "token_of_another_audience",
    ("refresh_of_anybody", "misused_tokens"): "refresh_token_of_another_client",
    ("verifier_optional", "misused_tokens"): "no_verifier",
    ("redirect_uri_ignored", "misused_tokens"): "other_redirect_uri",
    ("scope_grows", "misused_tokens"): "wider_scope",
    ("secret_optional", "misused_clients"): "no_secret",
    ("secret_in_address", "misused_clients"): "secret_in_address",
    ("two_methods", "misused_clients"): "two_methods",
    ("password_grant", "misused_clients"): "password_grant",
    ("tells_no_reason", "misused_clients"): "password_grant",
    ("repeats_grant_type", "misused_clients"): "unheard_of_grant",
    ("anybody_for_machines", "misused_clients"): "userinfo_without_user",
    ("access_survives_family", "reused_code"): "introspect_after_reused_code",
    ("no_own_scopes", f"client_kind:{OWN_SCOPES}"): "token",
    ("cannot_read_old_hashes", OLD): "sign_in",
    ("accepts_any_for_old_hash", OLD): "sign_in",
}
"""Which journey finds which mistake of a candidate, and at which step; None for any."""

BETWEEN = {
    ("own_key_only", "keys_stay_published"): "jwks",
    ("drops_next_keys", "keys_stay_published"): "jwks",
    ("swaps_keys", "keys_stay_published"): "jwks",
    ("own_key_only", f"cross_version:tokens_and_session:{ROUND}"): "jwks_elsewhere",
    ("swaps_keys", f"cross_version:tokens_and_session:{ROUND}"): "verify_elsewhere",
    ("swaps_keys", f"cross_version:client_credentials:{ROUND}"): "verify_elsewhere",
    ("refuses_foreign_hints", f"cross_version:tokens_and_session:{ROUND}"): (
        "id_token_hint_elsewhere"
    ),
    ("refuses_foreign_tokens", f"cross_version:client_credentials:{ROUND}"): (
        "introspect_elsewhere"
    ),
    ("refresh_1_crashes", f"cross_version:tokens_and_session:{ROUND}"): "refresh_elsewhere",
    ("refresh_2_crashes", f"cross_version:tokens_and_session:{BACK}"): "refresh_back",
    ("renews_hashes", OLD): "sign_in",
    ("writes_no_mails", "sign_up"): "mails",
}
"""The same for mistakes that show between a candidate and last good."""


def target_of(provider, name, names=()):
    # The small provider takes everybody with such headers for the edge, strangers too.
    edge = AsEdge("edge", SeededRandom(name), "127.9.8.7") if names == ["operators"] else None
    return Target(name, provider.url, ISSUER, snapshot=provider.snapshot, as_edge=edge)


async def walk(fault, names, transport, *, between=False) -> JourneyReport:
    """Walk the journeys of a rehearsal that bear these names, at a candidate with a fault."""
    rng, clock, store = SeededRandom(fault or "none"), SystemClock(), Store()
    store.key_of("next")
    with (
        SmallProvider(store, issuer=ISSUER, snapshot="s-old") as old,
        SmallProvider(store, issuer=ISSUER, snapshot="s-new", faults={fault}) as new,
    ):
        last_good = await Site.open(target_of(old, "last good"), transport, clock=clock, rng=rng)
        site = await Site.open(target_of(new, "candidate", names), transport, clock=clock, rng=rng)
        admin = ProbeAdmin(old.url, ADMIN_TOKEN, rng=rng, transport=transport)
        async with admin.accounts(4) as accounts:
            beside = last_good if between else None
            phases = rehearsal_phases([site], beside, accounts, IN_USE, admin)
            chosen = [one for phase in phases for one in phase if one.name in names]
            assert {one.name for one in chosen} == set(names)
            return await run_journeys(chosen, clock)


async def walk_all(faults, *, between=False) -> dict[tuple[str, str], JourneyReport]:
    gate = asyncio.Semaphore(8)

    async def one(fault, name):
        async with gate:
            return await walk(fault, [name], transport, between=between)

    async with KeptConnections() as transport:
        reports = await asyncio.gather(*(one(fault, name) for fault, name in faults))
    return dict(zip(faults, reports, strict=True))


@pytest.fixture(scope="module")
def report_of():
    return asyncio.run(walk_all(JOURNEYS))


@pytest.fixture(scope="module")
def report_between():
    return asyncio.run(walk_all(BETWEEN, between=True))


def require_found(report: JourneyReport, step: str | None) -> None:
    assert not report.passed
    assert report.strata_failed
    assert {failure.target for failure in report.failures} <= {"candidate", "last good"}
    assert step is None or {failure.step for failure in report.failures} == {step}


@pytest.mark.parametrize("fault", JOURNEYS, ids=" ".join)
def test_a_mistake_is_found_by_its_journey(fault, report_of):
    require_found(report_of[fault], JOURNEYS[fault])


@pytest.mark.parametrize("fault", BETWEEN, ids=" ".join)
def test_a_mistake_between_versions_is_found(fault, report_between):
    require_found(report_between[fault], BETWEEN[fault])


def test_without_a_mistake_all_of_these_journeys_pass():
    async def run():
        async with KeptConnections() as transport:
            alone = {name for _, name in JOURNEYS}
            both = {name for _, name in BETWEEN}
            return (
                await walk("", alone, transport),
                await walk("", both, transport, between=True),
            )

    for report in asyncio.run(run()):
        assert [str(failure) for failure in report.failures] == []
        assert report.passed


def test_keys_that_are_missing_are_named(report_between):
    (failure,) = report_between["drops_next_keys", "keys_stay_published"].failures

    assert "k-next" in failure.got
    assert "k-s-" not in failure.got


def test_a_replica_that_learns_of_a_key_a_moment_later_is_waited_for(
    start, store, clock, rng, monkeypatch
):
    monkeypatch.setattr(published_keys, "LAG_SECONDS_MAX", 30.0)
    monkeypatch.setattr(published_keys, "_SECONDS_BETWEEN", 0.01)
    store.key_of("next")
    old = start(issuer=ISSUER, snapshot="s-old")
    new = start(issuer=ISSUER, snapshot="s-new", faults={"drops_next_keys"})
    asked = []

    def learn(request):
        asked.append(request.path)
        if asked.count("/oauth2/jwks") == 4:
            new.faults.clear()

    async def run():
        async with KeptConnections() as transport:
            last_good = await Site.open(target_of(old, "old"), transport, clock=clock, rng=rng)
            site = await Site.open(target_of(new, "new"), transport, clock=clock, rng=rng)
            new.before = learn
            await keys_stay_published(site, last_good)

    asyncio.run(run())
    assert asked.count("/oauth2/jwks") == 4


def test_a_key_that_last_good_retires_meanwhile_is_not_missed(start, store, clock, rng):
    store.key_of("next")
    old = start(issuer=ISSUER, snapshot="s-old")
    new = start(issuer=ISSUER, snapshot="s-new", faults={"drops_next_keys"})

    async def run():
        async with KeptConnections() as transport:
            last_good = await Site.open(target_of(old, "old"), transport, clock=clock, rng=rng)
            site = await Site.open(target_of(new, "new"), transport, clock=clock, rng=rng)
            del store.keys["k-next"]
            await keys_stay_published(site, last_good)

    asyncio.run(run())


def test_a_renewed_hash_that_last_good_cannot_read_is_told_of_last_good(report_between):
    (failure,) = report_between["renews_hashes", OLD].failures

    assert failure.target == "last good"
    assert OLD_FORMAT in str(failure)


def test_a_problem_with_accounts_is_not_one_of_the_candidate(start, clock, rng):
    provider = start(issuer=ISSUER)

    async def run():
        async with KeptConnections() as transport:
            site = await Site.open(
                target_of(provider, "candidate"), transport, clock=clock, rng=rng
            )
            admin = ProbeAdmin(provider.url, "not-the-secret", rng=rng, transport=transport)
            await run_journeys(existing_users_set(site, IN_USE, admin, last_good=None), clock)

    with pytest.raises(AdminApiError):
        asyncio.run(run())


def test_a_bug_in_a_journey_is_no_finding(clock):
    async def broken():
        raise KeyError("a bug")

    with pytest.raises(ExceptionGroup):
        asyncio.run(run_journeys([Journey("broken", broken)], clock))


def test_only_so_many_formats_and_kinds_are_tried_and_the_basic_ones_always():
    kinds = [
        {"public": False, "grants": ["client_credentials"], "own_audience": True, "own_scopes": x}
        for x in (True, False)
    ]
    formats = [{"format": f"f{n}", "can_be_probed": n != 1} for n in range(20)]

    found = InUse.read({"hash_formats": formats, "client_kinds": [*kinds, "nonsense", {}]})

    assert found.hash_formats == ("f0", "f2", "f3", "f4", "f5", "f6", "f7", "f8")
    assert found.client_kinds[:3] == BASIC_KINDS
    assert len(found.client_kinds) == 5
    assert InUse.read({}) == InUse()
    assert InUse.read({"hash_formats": 7, "client_kinds": "x"}) == InUse()

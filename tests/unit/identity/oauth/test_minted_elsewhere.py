"""Refusals of tokens that this service minted count for whoever minted them, once a holder."""

import base64
import json
import re
from collections import Counter
from datetime import timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.evidence.counts import Trials
from ostiary.guard.mint_watch import MintWatch
from ostiary.identity.oauth.mint_counts import MintCounts, Shown
from ostiary.identity.oauth.mint_marks import MintMarks
from tests.fakes.clock import FakeClock
from tests.identity_app import SNAPSHOT, IdentityService
from tests.unit.identity.oauth.flow import RelyingParty, bearer, decoded

LINE = re.compile(r'ostiary_identity_token_holders_total{minted_by="(.+)",result="(.+)"} ([0-9.]+)')
SECOND = "s-second"


def counted(service: IdentityService) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for line in service.identity.metrics().decode().splitlines():
        if match := LINE.fullmatch(line):
            found[match[1], match[2]] += int(float(match[3]))
    return found


def show(service: IdentityService, token: str) -> int:
    return service.edge().get("/oauth2/userinfo", headers=bearer(token)).status_code


def spoilt(token: str) -> str:
    """Return the token with another signature."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'A' * len(signature)}"


def with_claims(token: str, **changed: object) -> str:
    header, _, signature = token.split(".")
    claims = json.dumps({**decoded(token), **changed}).encode()
    return f"{header}.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.{signature}"


def test_an_accepted_token_counts_for_its_minter_wherever_it_is_shown(party: RelyingParty) -> None:
    other = party.service.replica(snapshot=SECOND)
    token = party.tokens()["access_token"]

    assert show(other, token) == show(other, token) == 200

    assert counted(other) == {(SNAPSHOT, "accepted"): 1}, "one holder, however often"
    assert counted(party.service) == {}


def test_a_token_that_was_minted_here_and_is_wrong_by_itself_counts_as_refused_once(
    party: RelyingParty,
) -> None:
    other = party.service.replica(snapshot=SECOND)
    tokens = [party.tokens()["access_token"] for _ in range(3)]

    assert {show(other, spoilt(token)) for token in tokens} == {401}

    assert counted(other) == {(SNAPSHOT, "refused"): 1}, "nobody speaks twice"


def test_a_key_that_nobody_publishes_is_the_fault_of_whoever_signed_with_it(
    party: RelyingParty,
) -> None:
    other = party.service.replica(snapshot=SECOND)
    token = party.tokens()["access_token"]
    _, payload, signature = token.split(".")
    header = json.dumps({**decoded(token, 0), "kid": "unknown"}).encode()
    unknown = base64.urlsafe_b64encode(header).rstrip(b"=").decode()

    assert show(other, f"{unknown}.{payload}.{signature}") == 401

    assert counted(other) == {(SNAPSHOT, "refused"): 1}


@pytest.mark.parametrize("claims", [{"sub": "somebody-else"}, {"jti": "made.up"}, {"jti": 5}])
def test_a_forger_frames_nobody(party: RelyingParty, claims: dict[str, object]) -> None:
    other = party.service.replica(snapshot=SECOND)
    forged = with_claims(party.tokens()["access_token"], **claims)

    assert show(other, forged) == 401

    assert counted(other) == {}


@pytest.mark.parametrize("token", ["x", "a.b.c", "\xff.\xff.\xff", "e30.e30.e30", "a" * 9000])
def test_what_cannot_be_read_frames_nobody(service: IdentityService, token: str) -> None:
    assert show(service, token) == 401
    assert counted(service) == {}


def test_an_expired_token_and_one_of_a_revoked_grant_are_refused_normally(
    party: RelyingParty,
) -> None:
    token = party.tokens()["access_token"]
    party.service.clock.advance(timedelta(hours=2).total_seconds())
    assert show(party.service, token) == 401
    assert counted(party.service) == {}


def test_introspection_counts_as_well(party: RelyingParty) -> None:
    created = party.service.add_client("svc", public=False, grants=["client_credentials"])
    proof = base64.b64encode(f"svc:{created['client_secret']}".encode()).decode()
    headers = {"authorization": f"Basic {proof}"}
    edge = party.service.edge()
    answer = edge.post("/oauth2/token", {"grant_type": "client_credentials"}, headers=headers)
    token = answer.json["access_token"]

    for each in (token, spoilt(token)):
        edge.post("/oauth2/introspect", {"token": each}, headers=headers)

    assert counted(party.service) == {(SNAPSHOT, "accepted"): 1, (SNAPSHOT, "refused"): 1}


@given(random_id=st.text("abcXYZ019-_", max_size=40), subject=st.text(), snapshot=st.text())
def test_a_mark_names_its_minter_to_those_who_have_the_secret(random_id, subject, snapshot):
    marks = MintMarks(b"a secret")
    token_id = marks.token_id(random_id, subject, snapshot)
    known = {snapshot, "s-other", "s-another"}
    assert marks.minter_of(token_id, subject, known) == (snapshot if len(token_id) <= 128 else None)
    assert marks.minter_of(token_id, subject, {"s-other!"} - {snapshot}) is None
    assert marks.minter_of(token_id, subject + "x", known) is None
    assert MintMarks(b"another").minter_of(token_id, subject, known) is None


def test_parts_of_a_mark_cannot_be_shifted_into_each_other():
    marks = MintMarks(b"a secret")
    token_id = marks.token_id("r", "1:x", "s")
    assert marks.minter_of(token_id, "x", {"s1:"}) is None


def test_accepted_holders_count_again_after_a_minute_and_refused_ones_never():
    clock = FakeClock()
    counts = MintCounts(clock)
    for _ in range(3):
        for shown in Shown:
            counts.count("s-1", shown, "ada")
        clock.advance(61)
    (family,) = counts.collect()
    values = {sample.labels["result"]: sample.value for sample in family.samples}
    assert values == {"accepted": 3, "refused": 1}


def test_holders_without_end_stop_counting():
    counts = MintCounts(FakeClock())
    for number in range(10_500):
        counts.count("s-1", Shown.REFUSED, f"user-{number}")
    (family,) = counts.collect()
    (sample,) = family.samples
    assert sample.value == 10_000


def test_the_guard_reads_what_a_replica_tells(party: RelyingParty) -> None:
    """The name and form of the metric are the same on both sides."""
    other = party.service.replica(snapshot=SECOND)
    token = party.tokens()["access_token"]
    for each in (token, spoilt(token)):
        show(other, each)
    watch = MintWatch()

    watch.read(SimpleNamespace(name="r", snapshot=SECOND), other.identity.metrics().decode())

    minted = watch.totals(last_good=SECOND, canary=SNAPSHOT)
    assert (minted.by_canary, minted.by_last_good) == (Trials(2, 1), Trials(0, 0))

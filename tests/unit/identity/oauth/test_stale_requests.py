"""A request can wait in a replica that is stopped while the client goes on elsewhere.

When it is carried out at last, what it presents has been used. It is refused, but ends nothing: it
was good when the edge received it, and nobody but the client may have had it.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from falcon import testing

from ostiary.identity.http.context import read_received
from ostiary.identity.keys.signing import Signer
from ostiary.identity.oauth.grants.model import StoredCode, StoredRefreshToken
from ostiary.identity.oauth.grants.redemption import Redemption, judge_redemption
from ostiary.identity.oauth.grants.rotation import Rotation, judge_rotation
from ostiary.identity.store.attempt import Attempt
from ostiary.kernel.outcomes import EDGE_HEADER, RECEIVED_HEADER
from tests.identity_app import IdentityService, build_identity, outcome_of, stamp
from tests.unit.identity.oauth.flow import RelyingParty

MALFORMED = ("", "-", "soon", "1767225600.000", "1767225600.000+-", "-5.000+0", "1e9+0", "٣.000+0")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[IdentityService]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    built = build_identity(tmp_path, database_url=url)
    yield built
    built.close()


def received(service: IdentityService, *, seconds_ago: float) -> dict[str, str]:
    """Return the header of a request that the edge received some time ago."""
    return {RECEIVED_HEADER: stamp(service.clock.now() - timedelta(seconds=seconds_ago))}


def stands(party: RelyingParty, tokens: dict[str, Any]) -> bool:
    return party.userinfo(tokens["access_token"]).status_code == 200


def is_refused(answer: testing.Result, outcome: str) -> bool:
    told = (answer.status_code, answer.json["error"], outcome_of(answer))
    return told == (400, "invalid_grant", outcome)


def interrupt_signing(monkeypatch: pytest.MonkeyPatch, between: Callable[[], object]) -> None:
    """Let something happen between the checks of the next request and what it writes."""
    original = Signer.sign

    def sign(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(Signer, "sign", original)
        between()
        return original(*arguments, **options)

    monkeypatch.setattr(Signer, "sign", sign)


class TestRefreshing:
    """Two refreshes of one token, the second of which is carried out late."""

    def test_a_request_from_before_the_rotation_ends_nothing(self, party: RelyingParty) -> None:
        service, old = party.service, party.tokens()["refresh_token"]
        service.clock.advance(3)
        newer = party.refresh(party.refresh(old).json["refresh_token"]).json
        service.clock.advance(60)
        late = party.refresh(old, headers=received(service, seconds_ago=60.001))
        assert is_refused(late, "expired")
        assert stands(party, newer)
        assert party.refresh(newer["refresh_token"]).status_code == 200

    def test_a_request_that_was_checked_before_the_rotation_ends_nothing(
        self, party: RelyingParty, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        old = party.tokens()["refresh_token"]
        newer: dict[str, Any] = {}

        def go_on() -> None:
            party.service.clock.advance(0.002)
            newer.update(party.refresh(party.refresh(old).json["refresh_token"]).json)

        interrupt_signing(monkeypatch, go_on)
        assert is_refused(party.refresh(old), "expired")
        assert stands(party, newer)

    def test_a_retry_within_the_grace_that_waits_ends_nothing(self, party: RelyingParty) -> None:
        """The first answer got lost; the second request waits, the third one is answered."""
        service, old = party.service, party.tokens()["refresh_token"]
        party.refresh(old)
        service.clock.advance(2)
        waiting = received(service, seconds_ago=0)
        service.clock.advance(2)
        newer = party.refresh(party.refresh(old).json["refresh_token"]).json
        service.clock.advance(60)
        assert is_refused(party.refresh(old, headers=waiting), "expired")
        assert stands(party, newer)

    @pytest.mark.parametrize("attempt", [1, 2])
    def test_a_stolen_token_sent_after_the_rotation_ends_the_family(
        self, party: RelyingParty, attempt: int
    ) -> None:
        """Also when the request waits, and the client refreshes once more meanwhile."""
        service, stolen = party.service, party.tokens()["refresh_token"]
        second = party.refresh(party.refresh(stolen).json["refresh_token"]).json
        sent = received(service, seconds_ago=0)
        service.clock.advance(20)
        newest = party.refresh(second["refresh_token"]).json
        assert stands(party, newest)
        answer = party.refresh(stolen, headers=sent, attempt=attempt)
        assert is_refused(answer, "invalid_grant")
        assert not stands(party, newest)

    @pytest.mark.parametrize("value", MALFORMED)
    def test_without_a_stamp_a_reuse_is_a_reuse(self, party: RelyingParty, value: str) -> None:
        old = party.tokens()["refresh_token"]
        newer = party.refresh(party.refresh(old).json["refresh_token"]).json
        headers = {RECEIVED_HEADER: value.encode().decode("latin-1")}
        assert is_refused(party.refresh(old, headers=headers), "invalid_grant")
        assert not stands(party, newer)

    def test_a_stamp_from_outside_is_not_believed(self, party: RelyingParty) -> None:
        service, stolen = party.service, party.tokens()["refresh_token"]
        newer = party.refresh(party.refresh(stolen).json["refresh_token"]).json
        forged = {**received(service, seconds_ago=3600), EDGE_HEADER: "guessed"}
        assert is_refused(party.refresh(stolen, headers=forged), "invalid_grant")
        assert not stands(party, newer)


class TestRedeeming:
    """Two redemptions of one code, the second of which is carried out late."""

    def test_a_request_from_before_the_redemption_ends_nothing(self, party: RelyingParty) -> None:
        code = party.code()
        party.service.clock.advance(1)
        tokens = party.redeem(code).json
        party.service.clock.advance(30)
        late = party.redeem(code, headers=received(party.service, seconds_ago=30.001))
        assert is_refused(late, "expired")
        assert stands(party, tokens)
        assert party.refresh(tokens["refresh_token"]).status_code == 200

    def test_a_request_that_was_checked_before_the_redemption_ends_nothing(
        self, party: RelyingParty, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = party.code()
        tokens: dict[str, Any] = {}

        def go_on() -> None:
            party.service.clock.advance(0.002)
            tokens.update(party.redeem(code).json)

        interrupt_signing(monkeypatch, go_on)
        assert is_refused(party.redeem(code), "expired")
        assert stands(party, tokens)

    def test_a_code_sent_after_its_redemption_takes_the_tokens_along(
        self, party: RelyingParty
    ) -> None:
        code = party.code()
        tokens = party.redeem(code).json
        again = party.redeem(code, headers=received(party.service, seconds_ago=0))
        assert is_refused(again, "invalid_grant")
        assert not stands(party, tokens)

    def test_a_stamp_from_outside_is_not_believed(self, party: RelyingParty) -> None:
        code = party.code()
        tokens = party.redeem(code).json
        forged = {**received(party.service, seconds_ago=3600), EDGE_HEADER: "guessed"}
        assert is_refused(party.redeem(code, headers=forged), "invalid_grant")
        assert not stands(party, tokens)


ROTATED = 100_000


def token(name: str, rotated_ms: int | None = None) -> StoredRefreshToken:
    return StoredRefreshToken(name, "f", None, f"r-{name}", 10**6, rotated_ms=rotated_ms)


@pytest.mark.parametrize(
    ("received_ms", "successor_used_ms", "now_ms", "expected"),
    [
        (ROTATED - 1, 101_000, 102_000, Rotation.STALE),
        (ROTATED, 101_000, 102_000, Rotation.STALE),
        (100_999, 101_000, 102_000, Rotation.STALE),
        (101_000, 101_000, 102_000, Rotation.REUSE),
        (110_000, None, 111_000, Rotation.STALE),
        (110_001, None, 111_000, Rotation.REUSE),
        (110_001, 120_000, 121_000, Rotation.REUSE),
        (ROTATED - 1, None, 105_000, Rotation.LOST_ANSWER),
        (None, 101_000, 102_000, Rotation.REUSE),
        # The edge's clock is ahead: as without a stamp.
        (999_000, 101_000, 102_000, Rotation.REUSE),
        # A replica's clock is behind the one that rotated: nothing is given because of it.
        (ROTATED - 1, 101_000, 99_000, Rotation.STALE),
        (None, 101_000, 99_000, Rotation.REUSE),
    ],
)
def test_a_use_is_judged_for_the_moment_at_which_it_was_received(
    received_ms: int | None, successor_used_ms: int | None, now_ms: int, expected: Rotation
) -> None:
    attempt = Attempt("r-late", is_second_opinion=False, minted_by="s", received_ms=received_ms)
    successors = [token("b", successor_used_ms)]
    assert judge_rotation(token("a", ROTATED), successors, attempt, now_ms=now_ms) is expected


def test_a_replaced_token_whose_successors_are_gone_was_good_before_it_was_replaced() -> None:
    early = Attempt("r-late", is_second_opinion=False, minted_by="s", received_ms=ROTATED - 1)
    late = Attempt("r-late", is_second_opinion=False, minted_by="s", received_ms=ROTATED + 1)
    judged = [
        judge_rotation(token("a", ROTATED), [], each, now_ms=ROTATED) for each in (early, late)
    ]
    assert judged == [Rotation.STALE, Rotation.REUSE]


@pytest.mark.parametrize(
    ("received_ms", "expected"),
    [
        (ROTATED - 1, Redemption.STALE),
        (ROTATED, Redemption.REUSE),
        (ROTATED + 1, Redemption.REUSE),
        (None, Redemption.REUSE),
    ],
)
def test_a_second_redemption_is_judged_for_the_moment_at_which_it_was_received(
    received_ms: int | None, expected: Redemption
) -> None:
    code = StoredCode(
        *("c", "app", "u", "s", "https://app.example/", "openid", None, "x", 0, 60),
        consumed_by_request="r-first",
        consumed_ms=ROTATED,
    )
    attempt = Attempt("r-late", is_second_opinion=False, minted_by="s", received_ms=received_ms)
    assert judge_redemption(code, attempt) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1767225600.250+12", 1_767_225_600_262), ("0.000+0", 0), ("1.999+1", 2_000)],
)
def test_a_stamp_is_the_moment_at_which_the_whole_request_had_arrived(
    text: str, expected: int
) -> None:
    assert read_received(text) == expected


@pytest.mark.parametrize("text", [*MALFORMED, "9" * 12 + ".000+0", "1.000+" + "9" * 10, "1.000+1 "])
def test_anything_else_is_no_stamp(text: str) -> None:
    assert read_received(text) is None

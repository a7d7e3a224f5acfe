"""What can be asked twice: each operation with its request, and the proof that it happened once.

An operation is prepared once; then its request is executed by two replicas, one of which may not
come to an end. `prove` looks at the store and at what the answer is good for.
"""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from falcon import testing
from sqlalchemy import func, select

from ostiary.identity.store.schema import (
    audit_entries,
    authorization_codes,
    grant_families,
    mails,
    sessions,
    sign_in_failures,
    users,
)
from tests.conformance.asking_twice.victim import Request
from tests.identity_app import EDGE_TOKEN, Edge, IdentityService, outcome_of
from tests.unit.identity.oauth.flow import RelyingParty, location_of

PASSWORD = "correct horse battery"


@dataclass
class Situation:
    """One person, their browser and their application, in front of one shared store."""

    service: IdentityService
    number: int
    browser: Edge = field(init=False)
    party: RelyingParty = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.service.edge(client_address=self.client_address)
        self.party = RelyingParty(self.service, self.browser)

    @property
    def name(self) -> str:
        return f"ada{self.number}"

    @property
    def client_address(self) -> str:
        """Return a network of their own: failures are counted by it, too."""
        return f"203.0.{self.number}.7"

    @property
    def email(self) -> str:
        return f"{self.name}@example.org"

    @property
    def request_id(self) -> str:
        return f"r-{self.name}"

    def has_account(self) -> None:
        self.service.add_user(self.email, PASSWORD)

    def is_signed_in(self) -> None:
        self.has_account()
        assert self.browser.sign_in(self.email, PASSWORD).status_code == 303

    def form(self, path: str, **fields: str) -> Request:
        """Return the submission of a page's form."""
        token = self.browser.csrf_token(path)
        return self.post(path, {"csrf_token": token, **fields})

    def post(self, path: str, fields: dict[str, str]) -> Request:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return Request("POST", path, headers, urlencode(fields))

    def as_attempt(self, request: Request, attempt: int) -> Request:
        """Return the request as the edge passes it on, to whichever replica."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.browser.cookies.items())
        headers = {
            "host": "login.example",
            "x-ostiary-edge": EDGE_TOKEN,
            "x-request-id": self.request_id,
            "x-envoy-attempt-count": str(attempt),
            "x-forwarded-for": self.client_address,
            "x-forwarded-proto": "http",
            **({"cookie": cookies} if cookies else {}),
            **request.headers,
        }
        return Request(request.method, request.path, headers, request.body)

    def ask(self, at: IdentityService, request: Request, attempt: int) -> testing.Result:
        """Have a replica execute the request."""
        sent = self.as_attempt(request, attempt)
        path, _, query = sent.path.partition("?")
        client = testing.TestClient(at.identity.app)
        return client.simulate_request(
            sent.method, path, query_string=query, headers=sent.headers, body=sent.body
        )

    def count(self, table: Any, *conditions: Any) -> int:
        with self.service.store.read() as connection:
            query = select(func.count()).select_from(table).where(*conditions)
            return int(connection.execute(query).scalar_one())

    def entries(self, operation: str) -> list[str]:
        """Return the outcomes that the audit log has for this request."""
        query = select(audit_entries.c.outcome).where(
            audit_entries.c.request_id == self.request_id,
            audit_entries.c.operation == operation,
        )
        with self.service.store.read() as connection:
            return list(connection.execute(query).scalars())

    def mails(self) -> list[str]:
        """Return the kinds of the mails that this request wrote."""
        query = select(mails.c.kind).where(mails.c.request_id == self.request_id)
        with self.service.store.read() as connection:
            return list(connection.execute(query).scalars())

    def sessions(self) -> int:
        with self.service.store.read() as connection:
            query = (
                select(func.count())
                .select_from(sessions.join(users, users.c.id == sessions.c.user_id))
                .where(users.c.email_key == self.email)
            )
            return int(connection.execute(query).scalar_one())

    def is_in_use(self) -> bool:
        """Return whether the browser's session is one that the service knows."""
        return self.email in self.browser.get("/demo").text


class Effect:
    """One operation. `prepare` returns the request that is asked twice."""

    def prepare(self, situation: Situation) -> Request:
        raise NotImplementedError

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        """Fail unless the effect happened exactly once, and the answer is worth something."""
        raise NotImplementedError


class FailedSignIn(Effect):
    def prepare(self, situation: Situation) -> Request:
        situation.has_account()
        return situation.form("/sign-in", email=situation.email, password="wrong")

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert outcome_of(seen) == "bad_credentials"
        by_request = sign_in_failures.c.request_id == situation.request_id
        assert situation.count(sign_in_failures, by_request) == 1
        assert situation.count(sign_in_failures, _of(situation)) == 1
        assert situation.entries("sign_in") == ["bad_credentials"]


class LastFreeFailure(Effect):
    """The failure after which the address has to wait: neither one too early nor one too late."""

    def prepare(self, situation: Situation) -> Request:
        situation.has_account()
        while outcome_of(self._guess(situation)) == "bad_credentials":
            pass
        # What it took less two: the request asked twice is then the last but one of the free.
        with situation.service.store.write() as connection:
            rows = select(sign_in_failures.c.request_id).where(_of(situation)).limit(2)
            doomed = list(connection.execute(rows).scalars())
            connection.execute(
                sign_in_failures.delete().where(sign_in_failures.c.request_id.in_(doomed))
            )
        return situation.form("/sign-in", email=situation.email, password="wrong")

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert outcome_of(seen) == "bad_credentials"
        assert outcome_of(self._guess(situation)) == "bad_credentials"
        assert outcome_of(self._guess(situation)) == "rate_limited"

    def _guess(self, situation: Situation) -> testing.Result:
        edge = situation.service.edge(client_address=situation.client_address)
        return edge.sign_in(situation.email, "wrong")


class SignIn(Effect):
    """The session before is replaced by one new session, and a new device is told of once."""

    def prepare(self, situation: Situation) -> Request:
        situation.is_signed_in()
        for name in [name for name in situation.browser.cookies if "device" in name]:
            del situation.browser.cookies[name]
        # Of another new device people are told an hour later only.
        situation.service.clock.advance(3601)
        return situation.form("/sign-in", email=situation.email, password=PASSWORD)

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert seen.status_code == 303
        situation.browser.keep(seen)
        assert situation.is_in_use()
        assert situation.sessions() == 1
        assert situation.count(sign_in_failures, _of(situation)) == 0
        assert situation.entries("sign_in") == ["ok"]
        assert situation.mails() == ["new_device"]


class SignUp(Effect):
    def prepare(self, situation: Situation) -> Request:
        return situation.form("/sign-up", email=situation.email, password=PASSWORD)

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert seen.status_code == 303
        situation.browser.keep(seen)
        assert situation.is_in_use()
        assert situation.sessions() == 1
        assert situation.count(users, users.c.email_key == situation.email) == 1
        assert situation.entries("sign_up") == ["ok"]
        assert situation.mails() == ["welcome"]


class SignUpWithATakenAddress(Effect):
    def prepare(self, situation: Situation) -> Request:
        situation.has_account()
        return situation.form("/sign-up", email=situation.email, password=PASSWORD)

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert outcome_of(seen) == "already_exists"
        assert situation.count(users, users.c.email_key == situation.email) == 1
        assert situation.entries("sign_up") == ["already_exists"]
        assert situation.mails() == ["address_taken"]


class SignOut(Effect):
    def prepare(self, situation: Situation) -> Request:
        situation.is_signed_in()
        return situation.form("/sign-out")

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert seen.status_code == 303
        assert situation.sessions() == 0
        assert situation.entries("sign_out") == ["ok"]


class CodeIssue(Effect):
    def prepare(self, situation: Situation) -> Request:
        situation.is_signed_in()
        return Request("GET", situation.party.address())

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        by_request = authorization_codes.c.created_by_request == situation.request_id
        assert situation.count(authorization_codes, by_request) == 1
        _, parameters = location_of(seen)
        assert situation.party.redeem(parameters["code"]).status_code == 200


class CodeRedemption(Effect):
    def prepare(self, situation: Situation) -> Request:
        situation.is_signed_in()
        code = situation.party.code()
        return situation.post("/oauth2/token", situation.party.token_form(code))

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert seen.status_code == 200, seen.text
        assert families(situation) == [None]
        assert situation.entries("code_redeemed") == ["ok"]
        assert works(situation, seen.json)


class RefreshRotation(Effect):
    def prepare(self, situation: Situation) -> Request:
        situation.is_signed_in()
        token = situation.party.tokens()["refresh_token"]
        return refresh(situation, token)

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert seen.status_code == 200, seen.text
        # Not within the ten seconds in which a client may have lost an answer.
        situation.service.clock.advance(11)
        assert works(situation, seen.json)
        assert families(situation) == [None]
        assert situation.mails() == []


class RefreshReuse(Effect):
    """Somebody uses a token that was replaced: the grant ends, and its owner is told, once."""

    def prepare(self, situation: Situation) -> Request:
        situation.is_signed_in()
        token = situation.party.tokens()["refresh_token"]
        assert situation.party.refresh(token).status_code == 200
        situation.service.clock.advance(11)
        return refresh(situation, token)

    def prove(self, situation: Situation, seen: testing.Result) -> None:
        assert outcome_of(seen) == "invalid_grant"
        assert families(situation) == ["refresh_token_reused"]
        assert situation.entries("grant_revoked") == ["invalid_grant"]
        assert situation.mails() == ["grant_ended"]


EFFECTS: list[Effect] = [
    FailedSignIn(),
    LastFreeFailure(),
    SignIn(),
    SignUp(),
    SignUpWithATakenAddress(),
    SignOut(),
    CodeIssue(),
    CodeRedemption(),
    RefreshRotation(),
    RefreshReuse(),
]


def refresh(situation: Situation, token: str) -> Request:
    fields = {"grant_type": "refresh_token", "client_id": "app", "refresh_token": token}
    return situation.post("/oauth2/token", fields)


def families(situation: Situation) -> list[str | None]:
    """Return why each grant of the person was revoked, None for one that is good."""
    query = (
        select(grant_families.c.revoked_because)
        .join(users, users.c.id == grant_families.c.user_id)
        .where(users.c.email_key == situation.email)
    )
    with situation.service.store.read() as connection:
        return list(connection.execute(query).scalars())


def works(situation: Situation, tokens: dict[str, Any]) -> bool:
    """Return whether both tokens of an answer are good."""
    party = situation.party
    return (
        party.userinfo(tokens["access_token"]).status_code == 200
        and party.refresh(tokens["refresh_token"]).status_code == 200
    )


def _of(situation: Situation) -> Any:
    return sign_in_failures.c.email_key == situation.email

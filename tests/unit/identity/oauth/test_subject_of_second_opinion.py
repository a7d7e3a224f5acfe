"""With a second opinion the replica says in which bucket the subject is whom it has recognised."""

from ostiary.kernel.subjects import SUBJECT_BUCKETS, SUBJECT_HEADER, bucket_of
from tests.identity_app import EDGE_TOKEN, IdentityService
from tests.unit.identity.oauth.flow import RelyingParty, basic, bearer


def subject_in(answer) -> str | None:
    return answer.headers.get(SUBJECT_HEADER)


def test_the_same_user_has_one_bucket_at_every_replica_and_endpoint(party: RelyingParty) -> None:
    other = party.service.replica(snapshot="s-second")
    account = party.service.add_user("eve@example.org")
    assert account
    token = party.tokens()["access_token"]
    ada = party.userinfo(token).json["sub"]
    expected = str(bucket_of(ada, EDGE_TOKEN))

    shown = [
        each.edge().request("GET", "/oauth2/userinfo", headers=bearer(token), attempt=2)
        for each in (party.service, other)
    ]
    redeemed = party.redeem(party.code(), request_id="r-1", attempt=2)
    code = party.browser.request("GET", party.address(), attempt=2)

    assert [subject_in(answer) for answer in (*shown, redeemed, code)] == [expected] * 4


def test_a_client_that_acts_for_itself_is_a_subject_of_its_own(service: IdentityService) -> None:
    secret = service.add_client("svc", public=False, grants=["client_credentials"])["client_secret"]
    edge = service.edge()

    def ask(proof: dict[str, str], path: str, form: dict[str, str], attempt: int = 2):
        return edge.request("POST", path, form=form, headers=proof, attempt=attempt)

    form = {"grant_type": "client_credentials"}
    granted = ask(basic("svc", secret), "/oauth2/token", form)
    told = ask(basic("svc", secret), "/oauth2/introspect", {"token": granted.json["access_token"]})
    expected = str(bucket_of("svc", EDGE_TOKEN))
    assert (subject_in(granted), subject_in(told)) == (expected, expected)

    assert subject_in(ask(basic("svc", secret), "/oauth2/token", form, attempt=1)) is None
    assert subject_in(ask(basic("svc", "wrong"), "/oauth2/token", form)) is None, "not known good"


def test_nobody_but_the_edge_is_told(party: RelyingParty) -> None:
    token = party.tokens()["access_token"]
    headers = {**bearer(token), "x-envoy-attempt-count": "2"}
    answer = party.service.client().simulate_get("/oauth2/userinfo", headers=headers)
    assert answer.status_code == 200
    assert subject_in(answer) is None


def test_buckets_are_few_and_cannot_be_chosen_without_the_key() -> None:
    names = [f"user-{number}" for number in range(2000)]
    buckets = {name: bucket_of(name, "key") for name in names}
    assert set(buckets.values()) == set(range(SUBJECT_BUCKETS))
    assert sum(buckets[name] == bucket_of(name, "other") for name in names) < 100

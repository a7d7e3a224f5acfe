import asyncio
import json
import threading
from ipaddress import ip_address

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.sessions import networks
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.as_edge import AsEdge
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.grants import read_token_set
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire
from tests.unit.watch.small_provider.wire import HttpServer, Response


@pytest.fixture
def serve():
    """Serve a function of the request; closed when the test ends."""
    servers = []

    def start(answer):
        server = HttpServer(answer)
        servers.append(server)
        return server.url

    yield start
    for server in servers:
        server.close()


def send(url, *, snapshot=None, pin=None, seconds_max=5.0, form=None, as_edge=None):
    async def run():
        target = Target("replica", url, "https://login.example.org", snapshot, pin, as_edge)
        async with KeptConnections() as transport:
            wire = Wire(target, transport, seconds_max=seconds_max)
            return await wire.send("step", "GET" if form is None else "POST", "/x", form=form)

    return asyncio.run(run())


def answer(status=200, body=b"", **headers):
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Answer("step", "GET", "https://a/x", "page", "replica", status, named, body)


def test_a_request_carries_public_host_and_pin(serve):
    seen = []

    def remember(request):
        seen.append(request)
        return Response(200, "ok")

    send(serve(remember), pin="hush", form=[("a", "b&c")])

    assert seen[0].headers["host"] == "login.example.org"
    assert seen[0].headers["x-ostiary-pin"] == "hush"
    assert seen[0].form == {"a": "b&c"}


def test_a_service_that_hangs_is_a_timeout(serve):
    release = threading.Event()

    def hang(_request):
        release.wait(30)

    url = serve(hang)
    with pytest.raises(StepFailedError) as caught:
        send(url, seconds_max=0.2)
    release.set()

    assert caught.value.kind is FailureKind.TIMEOUT
    assert caught.value.stratum == "page"


def test_a_dropped_connection_is_no_answer(serve):
    with pytest.raises(StepFailedError) as caught:
        send(serve(lambda _request: None))

    assert caught.value.kind is FailureKind.NO_ANSWER


def test_nobody_listening_is_no_answer():
    with pytest.raises(StepFailedError) as caught:
        send("http://127.0.0.1:1")

    assert caught.value.kind is FailureKind.NO_ANSWER
    assert "ConnectError" in caught.value.got


@pytest.mark.parametrize("header", ["s-1/ok", "s-1/internal_error"])
def test_a_known_outcome_of_the_expected_snapshot_is_accepted(serve, header):
    url = serve(lambda _request: Response(200, "", headers=[("x-auth-outcome", header)]))

    assert send(url, snapshot="s-1").snapshot == "s-1"


@pytest.mark.parametrize("header", ["s-2/ok", "s-1/", "s-1", "ok", "s-1/splendid", "", None])
def test_any_other_outcome_header_fails_the_step(serve, header):
    headers = [] if header is None else [("x-auth-outcome", header)]
    url = serve(lambda _request: Response(200, "", headers=headers))

    with pytest.raises(StepFailedError, match="x-auth-outcome"):
        send(url, snapshot="s-1")


def test_redirects_are_followed_only_within_the_issuer(serve):
    def step(request):
        there = {
            "/a": "/b",
            "/b": "https://login.example.org/c",
            "/c": "https://app.example/?code=1",
        }
        return Response.redirect(there[request.path])

    async def run():
        async with KeptConnections() as transport:
            target = Target("replica", serve(step), "https://login.example.org")
            browser = Browser(Wire(target, transport))
            return await browser.follow(await browser.get("step", "/a"))

    assert asyncio.run(run()).location == "https://app.example/?code=1"


def test_a_circle_of_redirects_fails_the_step(serve):
    async def run():
        async with KeptConnections() as transport:
            url = serve(lambda _request: Response.redirect("/again"))
            browser = Browser(Wire(Target("replica", url, "https://a.example"), transport))
            await browser.follow(await browser.get("step", "/again"))

    with pytest.raises(StepFailedError, match="end of the redirects"):
        asyncio.run(run())


@pytest.mark.parametrize(
    ("given_answer", "kind"),
    [
        (answer(500), FailureKind.FAULT),
        (answer(200, x_auth_outcome="s/internal_error"), FailureKind.FAULT),
        (answer(303, location="https://a/?error=server_error"), FailureKind.FAULT),
        (answer(401), FailureKind.REFUSED),
        (answer(303, location="https://a/?error=access_denied"), FailureKind.REFUSED),
        (answer(200), FailureKind.WRONG_CONTENT),
    ],
)
def test_the_kind_of_a_failure_is_what_the_client_saw(given_answer, kind):
    with pytest.raises(StepFailedError) as caught:
        given_answer.fail("something else")

    assert caught.value.kind is kind


def test_a_description_leaves_out_what_could_be_a_secret():
    told = answer(
        303, b'{"access_token":"hush"}', location="https://a/back?code=hush&state=hush#hush"
    )

    assert told.describe() == "HTTP 303, to https://a/back"


def test_an_oauth_error_is_told():
    assert answer(400, b'{"error":"invalid_grant"}').describe() == "HTTP 400, error invalid_grant"


def test_an_outcome_of_another_class_fails_the_step():
    with pytest.raises(StepFailedError, match="class refusal"):
        answer(400, x_auth_outcome="s/internal_error").require_class(OutcomeClass.REFUSAL)
    answer(200, x_auth_outcome="s/login_required").require_class(OutcomeClass.OK)


@given(st.binary(max_size=100), st.binary(max_size=50), st.integers(100, 599))
def test_no_answer_breaks_its_description(body, location, status):
    answer(status, body, location=location).describe()


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access_token": "a", "token_type": "Bearer"},
        {"access_token": "a", "token_type": "mac", "expires_in": 5},
        {"access_token": 5, "token_type": "Bearer", "expires_in": 5},
        {"access_token": "a", "token_type": "Bearer", "expires_in": True},
        [],
    ],
)
def test_a_token_answer_without_its_parts_fails_the_step(document):
    with pytest.raises(StepFailedError):
        read_token_set(answer(200, json.dumps(document).encode()))


def test_asked_as_the_edge_every_request_has_an_id_of_its_own(serve):
    seen = []

    def remember(request):
        seen.append(request.headers)
        return Response(200, "ok", headers=[("x-request-id", "told by somebody else")])

    url, as_edge = serve(remember), AsEdge("edge-token", SeededRandom(1))
    answers = [send(url, as_edge=as_edge) for _ in range(3)]

    ids = [headers["x-request-id"] for headers in seen]
    assert [each.request_id for each in answers] == ids
    assert len(set(ids)) == 3
    assert {headers["x-ostiary-edge"] for headers in seen} == {"edge-token"}
    assert {headers["x-forwarded-proto"] for headers in seen} == {"https"}
    assert {headers["x-envoy-attempt-count"] for headers in seen} == {"1"}
    assert "edge-token" not in repr(as_edge)


def test_somebody_from_elsewhere_shares_no_network_with_anybody():
    as_edge = AsEdge("edge-token", SeededRandom(1))
    others = [as_edge.from_elsewhere() for _ in range(50)]
    told = [each.headers("https://login.example.test")["x-forwarded-for"] for each in others]
    assert all(ip_address(each).is_loopback for each in told)
    assert not any(each.startswith("127.0.") for each in told)
    assert len({networks.networks_of(each).network_range for each in told}) > 45


def test_a_request_that_was_never_answered_has_an_id_too(serve):
    ended = threading.Event()
    as_edge = AsEdge("edge-token", SeededRandom(1))

    url = serve(lambda _request: ended.wait(5) and None)
    try:
        with pytest.raises(StepFailedError) as late:
            send(url, seconds_max=0.2, as_edge=as_edge)
    finally:
        ended.set()
    with pytest.raises(StepFailedError) as gone:
        send("http://127.0.0.1:1", as_edge=as_edge)

    assert late.value.request_id.startswith("j-")
    assert gone.value.request_id.startswith("j-")

"""Keys that are fetched, kept, refreshed, and do without their issuer for the stated time."""

import asyncio
import logging
import os
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from ostiary.verify import KeysUnavailableError, Reason, TokenRefusedError, Verifier
from ostiary.verify.clock import SystemClock
from ostiary.verify.keys.fetching import DOCUMENT_BYTES_MAX, Fetcher
from ostiary.verify.keys.keeper import KeyKeeper
from ostiary.verify.keys.source import IssuerKeys
from ostiary.verify.keys.state import Pace
from tests.unit.verify.conftest import MakeVerifier
from tests.unit.verify.issuer import DISCOVERY, JWKS, HandClock, Issuer, dead

STATED = 86_400 + 60


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def test_nothing_is_fetched_before_the_first_use(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    verifier = make_verifier()
    assert not issuer.requests
    assert verifier.verify(issuer.token()).subject == "u-ada"
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


def test_the_address_of_the_keys_may_be_given(issuer: Issuer, make_verifier: MakeVerifier) -> None:
    verifier = make_verifier(jwks_uri=issuer.url + JWKS)
    assert verifier.verify(issuer.token())
    assert issuer.requests == {JWKS: 1}


def test_metadata_may_be_where_rfc_8414_puts_it(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    issuer.url += "/tenant"
    metadata = {"issuer": issuer.url, "jwks_uri": "https://keys.example" + JWKS}
    place = "/.well-known/oauth-authorization-server/tenant"
    issuer.fault = lambda r: httpx.Response(200, json=metadata) if r.url.path == place else None
    assert make_verifier().verify(issuer.token())
    assert list(issuer.requests) == ["/tenant" + DISCOVERY, place, JWKS]


def test_with_the_issuer_dead_valid_tokens_verify_for_the_stated_time(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    issuer.fault = dead
    token = issuer.token(exp=2_000_000_000)
    clock.advance(STATED - 0.001)
    assert verifier.verify(token)
    clock.advance(0.001)
    with pytest.raises(KeysUnavailableError):
        verifier.verify(token)
    assert not verifier.is_ready
    issuer.fault = lambda _: None
    clock.advance(60)
    assert verifier.verify(token)


def test_the_stated_time_is_a_setting(
    issuer: Issuer, make_verifier: MakeVerifier, clock: HandClock
) -> None:
    verifier = make_verifier(stale_seconds=0)
    assert verifier.warm_up(60)
    issuer.fault = dead
    clock.advance(59.9)
    assert verifier.verify(issuer.token())
    clock.advance(0.1)
    with pytest.raises(KeysUnavailableError):
        verifier.verify(issuer.token())


def test_without_keys_nothing_is_said_about_a_token(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    issuer.fault = dead
    verifier = make_verifier()
    for token in (issuer.token(), "rubbish"):
        with pytest.raises(KeysUnavailableError) as caught:
            verifier.verify(token)
        assert 1 <= caught.value.retry_after_seconds <= 31


def test_while_the_issuer_is_away_requests_do_not_ask_it(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    """The clock stands still, so no second attempt is due."""
    issuer.fault = dead
    verifier = make_verifier()
    for _ in range(50):
        with pytest.raises(KeysUnavailableError):
            verifier.verify(issuer.token())
    assert issuer.requests == {DISCOVERY: 1}


def test_a_new_key_is_fetched_when_the_first_token_names_it(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    issuer.add_key("k-2")
    clock.advance(10)
    assert verifier.verify(issuer.token("k-2"))
    assert issuer.requests[JWKS] == 2


def test_invented_key_ids_are_asked_for_at_a_limited_rate(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    for tenth in range(300):
        with pytest.raises(TokenRefusedError) as caught:
            verifier.verify(issuer.token(header={"kid": f"k-x{tenth}"}))
        assert caught.value.reason is Reason.UNKNOWN_KEY
        clock.advance(0.1)
    assert issuer.requests[JWKS] == 3


def test_tokens_that_are_refused_anyway_make_nobody_fetch(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    clock.advance(20)
    for token in (
        issuer.token(header={"kid": "k-x"}, iss="https://other.example"),
        issuer.token(header={"kid": "k-x"}, exp=1),
        issuer.token(header={"kid": "k-x", "alg": "HS256"}),
    ):
        with pytest.raises(TokenRefusedError):
            verifier.verify(token)
    assert issuer.requests[JWKS] == 1


def test_an_unknown_key_while_the_issuer_is_away_is_not_the_clients_fault(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    issuer.add_key("k-2")
    issuer.fault = dead
    clock.advance(10)
    with pytest.raises(KeysUnavailableError):
        verifier.verify(issuer.token("k-2"))
    assert verifier.verify(issuer.token("k-1"))


def test_threads_that_miss_a_key_at_once_share_one_fetch(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    verifier = make_verifier(wait_seconds=20)
    issuer.gate.clear()
    with ThreadPoolExecutor(16) as threads:
        waiting = [threads.submit(verifier.verify, issuer.token()) for _ in range(16)]
        until(lambda: issuer.requests[DISCOVERY])
        issuer.gate.set()
        assert all(each.result(20) for each in waiting)
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


def test_tasks_that_miss_a_key_at_once_share_one_fetch(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    """One of them gives up meanwhile; the others get what they wait for."""
    verifier = make_verifier(wait_seconds=20)
    issuer.gate.clear()

    async def run() -> None:
        waiting = [asyncio.ensure_future(verifier.verify_async(issuer.token())) for _ in range(50)]
        while not issuer.requests[DISCOVERY]:  # noqa: ASYNC110 - it is counted in another thread
            await asyncio.sleep(0.005)
        waiting[0].cancel()
        issuer.gate.set()
        assert all(await asyncio.gather(*waiting[1:]))

    asyncio.run(run())
    assert issuer.requests == {DISCOVERY: 1, JWKS: 1}


def test_a_request_waits_for_keys_no_longer_than_it_may(
    issuer: Issuer, make_verifier: MakeVerifier
) -> None:
    verifier = make_verifier(wait_seconds=0.05)
    issuer.gate.clear()
    with pytest.raises(KeysUnavailableError):
        verifier.verify(issuer.token())
    with pytest.raises(KeysUnavailableError):
        asyncio.run(verifier.verify_async(issuer.token()))
    issuer.gate.set()
    until(lambda: verifier.is_ready)
    assert asyncio.run(verifier.verify_async(issuer.token()))


def test_a_loop_that_ends_while_it_waits_harms_nobody(
    issuer: Issuer, make_verifier: MakeVerifier, caplog: pytest.LogCaptureFixture
) -> None:
    verifier = make_verifier(wait_seconds=0.01)
    issuer.gate.clear()
    with pytest.raises(KeysUnavailableError):
        asyncio.run(verifier.verify_async(issuer.token()))
    issuer.gate.set()
    until(lambda: verifier.is_ready)
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def test_keys_are_refreshed_in_the_background_without_any_request(issuer: Issuer) -> None:
    clock = SystemClock()
    source = IssuerKeys(
        issuer.url,
        jwks_uri=None,
        algorithms=frozenset({"ES256"}),
        fetcher=Fetcher(seconds_max=5, transport=issuer.transport),
        clock=clock,
    )
    pace = Pace(lifetime_seconds_min=0.02, lifetime_seconds_max=0.02, retry_seconds=0.01)
    keeper = KeyKeeper(source, clock=clock, pace=pace)
    keeper.start()
    try:
        until(lambda: issuer.requests[JWKS] >= 3)
        assert issuer.requests[DISCOVERY] == 1
        issuer.fault = dead
        until(lambda: not keeper.is_certain)
        assert keeper.current() is not None
        issuer.add_key("k-2")
        issuer.fault = lambda _: None
        until(lambda: (keys := keeper.current()) and keys.named("k-2"))
    finally:
        keeper.close()


def test_a_seen_token_ends_with_its_key(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    token = issuer.token()
    assert verifier.verify(token)
    issuer.add_key("k-2")
    del issuer.keys["k-1"]
    clock.advance(10)
    assert verifier.verify(issuer.token("k-2"))
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token)
    assert caught.value.reason is Reason.UNKNOWN_KEY


def test_a_seen_token_ends_when_another_key_takes_its_id(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    token = issuer.token()
    assert verifier.verify(token)
    issuer.add_key("k-1")
    issuer.add_key("k-2")
    clock.advance(10)
    assert verifier.verify(issuer.token("k-2"))
    with pytest.raises(TokenRefusedError) as caught:
        verifier.verify(token)
    assert caught.value.reason is Reason.SIGNATURE


def answering(**options: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(**{"status_code": 200, **options})  # type: ignore[arg-type]


def only(path: str, answer: httpx.Response) -> Callable[[httpx.Request], httpx.Response | None]:
    return lambda request: answer if request.url.path == path else None


ELSEWHERE = {"location": "https://evil.example/jwks"}
FAULTS = {
    "refuses connections": (dead, "ConnectError"),
    "answers 500": (answering(status_code=500), "answered 500"),
    "redirects elsewhere": (answering(status_code=302, headers=ELSEWHERE), "not followed"),
    "answers nothing": (answering(status_code=204), "answered 204"),
    "answers HTML": (answering(html="<p>Sign in</p>"), "not JSON"),
    "is not UTF-8": (answering(content=b"\xff\xfe\x00"), "not JSON"),
    "answers an array": (answering(json=[1]), "not a JSON object"),
    "answers too much": (answering(content=b" " * (DOCUMENT_BYTES_MAX + 1)), "sent more than"),
    "compresses unasked": (
        answering(stream=httpx.ByteStream(b"\x1f\x8b"), headers={"content-encoding": "gzip"}),
        "not asked for",
    ),
    "has no keys": (only(JWKS, httpx.Response(200, json={"keys": []})), "none of the 0 keys"),
    "has keys of no use": (
        only(JWKS, httpx.Response(200, json={"keys": [{"kty": "oct", "k": "AA"}]})),
        "none of the 1 keys",
    ),
    "redirects to other keys": (
        only(JWKS, httpx.Response(307, headers=ELSEWHERE)),
        "not followed",
    ),
    "meets a bug here": (lambda _: {}["x"], "failed by KeyError, which is a bug"),  # type: ignore[index]
}
METADATA = {
    "of another issuer": {"issuer": "https://evil.example", "jwks_uri": "https://evil.example/k"},
    "without an issuer": {"jwks_uri": "https://login.example/jwks"},
    "without keys": {"issuer": "https://login.example"},
    "with keys in the clear": {"jwks_uri": "http://login.example/jwks"},
    "with keys in a file": {"jwks_uri": "file:///etc/passwd"},
    "with a list of keys": {"jwks_uri": ["https://login.example/jwks"]},
    "with a name and password": {"jwks_uri": "https://a:b@login.example/jwks"},
    "with a port that is none": {"jwks_uri": "https://login.example:99999999/jwks"},
    "with half an address": {"jwks_uri": "https://[::1/jwks"},
    "with a relative address": {"jwks_uri": "/jwks"},
}


@pytest.mark.parametrize("name", FAULTS)
def test_an_issuer_with_a_fault_is_503_at_first_and_no_loss_later(
    issuer: Issuer,
    make_verifier: MakeVerifier,
    clock: HandClock,
    caplog: pytest.LogCaptureFixture,
    name: str,
) -> None:
    fault, said = FAULTS[name]
    issuer.fault = fault
    verifier = make_verifier()
    token = issuer.token()
    with pytest.raises(KeysUnavailableError):
        verifier.verify(token)
    assert said in caplog.text
    assert token not in caplog.text
    issuer.fault = lambda _: None
    clock.advance(2)
    assert verifier.verify(token)
    issuer.fault = fault
    clock.advance(100)
    with pytest.raises(KeysUnavailableError):
        verifier.verify(issuer.token(header={"kid": "k-9"}))
    assert verifier.verify(token)


@pytest.mark.parametrize("name", METADATA)
def test_metadata_that_must_not_be_names_no_keys(
    issuer: Issuer, make_verifier: MakeVerifier, clock: HandClock, name: str
) -> None:
    good = {"issuer": issuer.url, "jwks_uri": issuer.url + JWKS}
    complete = (
        METADATA[name] if "issuer" in name or name == "without keys" else good | METADATA[name]
    )
    issuer.fault = only(DISCOVERY, httpx.Response(200, json=complete))
    verifier = make_verifier()
    with pytest.raises(KeysUnavailableError):
        verifier.verify(issuer.token())
    assert set(issuer.requests) == {DISCOVERY}


def test_metadata_that_changes_to_another_issuer_changes_nothing(
    issuer: Issuer, verifier: Verifier, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The last address of the keys is used on, and new keys are found there."""
    issuer.fault = only(DISCOVERY, httpx.Response(200, json=METADATA["of another issuer"]))
    issuer.add_key("k-2")
    clock.advance(4000)
    assert verifier.verify(issuer.token("k-2", exp=2_000_000_000))
    assert "of another issuer" in caplog.text


def test_keys_may_move_to_another_address(
    issuer: Issuer, verifier: Verifier, clock: HandClock
) -> None:
    moved = {"issuer": issuer.url, "jwks_uri": "https://keys.example/new"}
    keys = httpx.Response(200, json=issuer.jwks())
    answers = {DISCOVERY: httpx.Response(200, json=moved), "/new": keys, JWKS: httpx.Response(404)}
    issuer.fault = lambda request: answers[request.url.path]
    clock.advance(4000)
    with pytest.raises(TokenRefusedError):
        verifier.verify(issuer.token(header={"kid": "k-9"}, exp=2_000_000_000))
    assert issuer.requests["/new"] == 1


def test_a_new_process_keeps_its_own_keys_fresh(
    issuer: Issuer, make_verifier: MakeVerifier, clock: HandClock
) -> None:
    """Servers load an application once and fork: no thread comes along, and locks may be held."""
    verifier = make_verifier()
    assert verifier.warm_up(60)
    issuer.add_key("k-2")
    clock.advance(10)
    verifier._keys._changed.acquire()
    with warnings.catch_warnings():
        # Later Pythons warn of forking beside threads, which is what is tried here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        right = verifier.verify(issuer.token("k-2")).subject == "u-ada"
        os._exit(0 if right else 1)
    verifier._keys._changed.release()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_closed_verifier_fetches_nothing_and_answers_by_what_it_knows(
    issuer: Issuer, make_verifier: MakeVerifier, clock: HandClock
) -> None:
    with make_verifier() as verifier:
        assert verifier.warm_up(60)
    clock.advance(100)
    assert verifier.verify(issuer.token())
    with make_verifier() as never:
        pass
    with pytest.raises(KeysUnavailableError):
        never.verify(issuer.token())
    assert issuer.requests[JWKS] == 1


def test_closing_ends_the_thread(issuer: Issuer, make_verifier: MakeVerifier) -> None:
    verifier = make_verifier()
    assert verifier.warm_up(60)
    thread = verifier._keys._thread
    assert isinstance(thread, threading.Thread)
    verifier.close()
    thread.join(20)
    assert not thread.is_alive()

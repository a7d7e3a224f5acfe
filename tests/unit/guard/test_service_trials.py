"""Journeys of services in rehearsal, pinned and as a proof, against small services."""

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ostiary.changes.configuration import parse_configuration
from ostiary.changes.events import JourneysRun, ProofRun, Rehearsed
from ostiary.changes.model import Reason
from ostiary.changes.snapshot import Snapshot
from ostiary.guard.service_groups import ServiceGroups
from ostiary.guard.service_trials import ServiceTrials
from ostiary.guard.trial_place import TrialPlace
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.settings import parse_document
from ostiary.runtime.ports import Replica
from ostiary.watch.own_journeys.to_service import ToService
from tests.unit.guard.groups import replica as identity_replica
from tests.unit.watch.own_journeys.conftest import Application, of_json
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN, SmallProvider
from tests.unit.watch.small_provider.store import Store
from tests.unit.watch.small_provider.wire import Request, Response

ISSUER = "http://login.example.test"
SETTINGS = """
[services.orders]
command = ["orders"]
routes = ["/baskets", "/orders"]
ask_again = ["/orders/search"]

[services.orders.journeys.own]
vouches_for = "/orders"
[[services.orders.journeys.own.steps]]
name = "listed"
path = "/orders?of=me"
headers = { authorization = "Bearer {probe.access_token}" }
expect = { status = 200, json_body = { orders = 0 } }

[services.orders.journeys.nobody]
in_canary = false
[[services.orders.journeys.nobody.steps]]
name = "refused"
path = "/orders"
expect.status = 401

[services.orders.journeys.made]
vouches_for = "/orders"
[[services.orders.journeys.made.steps]]
name = "made"
path = "/orders"
method = "POST"
json_body = { item = "tea" }
headers = { authorization = "Bearer {probe.access_token}" }
expect.status = 201

[services.orders.journeys.found]
[[services.orders.journeys.found.steps]]
name = "found"
path = "/orders/search/all"
method = "POST"
expect.status = 200
"""


def orders_api(request: Request) -> Response:
    """Answer as an orders API does that knows every token."""
    if request.path == "/orders/search/all":
        return of_json({})
    if request.bearer is None:
        return of_json({}, status=401)
    return of_json({"orders": 0}, status=201 if request.method == "POST" else 200)


class Service(Application):
    """An orders API; `broken` answers instead where it says anything."""

    def __init__(self) -> None:
        super().__init__()
        self.broken: Any = lambda _request: None

    def _answer(self, request: Request) -> Response | None:
        self.seen.append(request)
        found: Response | None = self.broken(request) or orders_api(request)
        return found

    def replica(self, name: str) -> Replica:
        port = urlsplit(self.server.url).port
        assert port is not None
        started = identity_replica(name, "s-1", port=port)
        return replace(started, service="orders", health="/health")


def snapshot(toml: str) -> Snapshot:
    document = parse_document(toml.replace("routes", 'release = "."\nroutes'), file="ostiary.toml")
    settings = parse_configuration(document).snapshot_settings.to_snapshot()
    return Snapshot.of({"identity": "i", "orders": "o"}, settings)


@dataclass
class World:
    """A candidate and a last good replica of the service; the edge goes to the candidate."""

    identity: SmallProvider
    new: Service = field(default_factory=Service)
    old: Service = field(default_factory=Service)
    groups: ServiceGroups = field(default_factory=ServiceGroups)
    tried: Snapshot = field(default_factory=lambda: snapshot(SETTINGS))
    signed_in: bool = True
    admin_token: str = ADMIN_TOKEN

    def __post_init__(self) -> None:
        self.groups.begin("s-old", {"orders": [self.old.replica("old")]})
        self.groups.changing = ("orders",)
        self.groups.candidates = [self.new.replica("new")]

    @property
    def trials(self) -> ServiceTrials:
        port = urlsplit(self.identity.url).port
        assert port is not None
        stable = [identity_replica("i", self.identity.snapshot, port=port)]
        plane: Any = SimpleNamespace(services=self.groups, stable=stable, last_good="s-old")
        place = TrialPlace(self.new.server.url, ISSUER, 5.0, self.admin_token, "the-pin")
        return ServiceTrials(
            plane, lambda _: self.tried, place, self._sign_in, SystemClock(), SeededRandom(1), {}
        )

    async def _sign_in(self, of: Any) -> ProofRun:
        reason = Reason("journey_failed", "nobody can sign in")
        return ProofRun(of, passed=self.signed_in, failures=() if self.signed_in else (reason,))

    def rehearsed(self) -> Rehearsed:
        return asyncio.run(self.trials.rehearsed(self.tried))

    def pinned(self) -> JourneysRun:
        return asyncio.run(self.trials.pinned(self.tried))

    def proof(self, of: Any) -> ProofRun:
        return asyncio.run(self.trials.proof(of))

    def close(self) -> None:
        for each in (self.identity, self.new, self.old):
            each.server.close()


@pytest.fixture
def world():
    running = World(SmallProvider(Store(), issuer=ISSUER, snapshot="s-identity"))
    yield running
    running.close()


def on(method: str, path: str, answer: Response) -> Any:
    """Return what breaks one kind of request."""
    return lambda request: (
        answer if (request.method, request.path) == (method, path) and request.bearer else None
    )


def test_a_candidate_that_does_all_it_must_is_let_on(world):
    assert world.rehearsed() == Rehearsed(passed=True)
    # One person signed in for all journeys, and is gone.
    tokens = {each.bearer for each in world.new.seen if each.bearer}
    assert len(tokens) == 1
    assert not world.identity.store.users
    assert world.old.seen == []
    # What the edge knows reaches no service.
    names = {name.lower() for each in world.new.seen for name in each.headers}
    assert not [name for name in names if name.startswith("x-ostiary")]


def test_what_fails_at_one_candidate_alone_refuses_the_change(world):
    world.groups.candidates = [world.old.replica("well"), world.new.replica("new")]
    world.new.broken = on("GET", "/orders", of_json({}, status=500))

    found = world.rehearsed()

    (reason,) = found.failures
    assert not found.passed
    assert reason.text.startswith("services.orders.journeys.own, step listed: expected HTTP 200, ")
    assert "candidate new" in reason.text
    assert reason.numbers["stratum"] == "service_orders_2_safe"
    assert reason.numbers["kind"] == "fault"


def test_what_last_good_fails_as_well_is_told_and_refuses_nothing(world):
    world.new.broken = world.old.broken = on("GET", "/orders", of_json({}, status=500))

    found = world.rehearsed()

    assert found.passed
    (note,) = found.notes
    assert note.code == "own_journey_broken"
    assert note.text.startswith("services.orders.journeys.own fails on the last good version")


def test_without_a_last_good_replica_every_failure_counts(world):
    world.groups.set_members("orders", [])
    world.new.broken = on("POST", "/orders", of_json({}, status=400))
    assert not world.rehearsed().passed


def test_without_accounts_the_rehearsal_fails_and_the_canary_is_not_blamed(world):
    world.admin_token = "another one"
    assert [each.code for each in world.rehearsed().failures] == ["probe_accounts_unavailable"]
    run = world.pinned()
    assert (run.passed, run.control_passed) == (False, False)
    proof = world.proof("rollback")
    assert not proof.passed


def test_a_service_whose_journeys_are_none_passes(world):
    world.tried = snapshot(SETTINGS.partition("[services.orders.journeys")[0])
    assert world.rehearsed().passed
    run = world.pinned()
    assert (run.passed, run.strata_passed) == (True, frozenset())


def test_pinned_journeys_say_the_pin_and_vouch_for_the_classes_that_they_went_to(world):
    run = world.pinned()

    assert (run.passed, run.verified) == (True, True)
    assert run.strata_passed == {"service_orders_2_safe", "service_orders_2_unsafe"}
    assert {each.headers["x-ostiary-pin"] for each in world.new.seen} == {"the-pin"}
    # One of them is not for the canary.
    assert all(each.bearer or each.method == "POST" for each in world.new.seen)


@pytest.mark.parametrize(
    ("broken", "hideable", "left"),
    [
        (on("GET", "/orders", of_json({}, status=500)), True, "service_orders_2_unsafe"),
        (on("GET", "/orders", of_json({"orders": 1})), False, "service_orders_2_unsafe"),
        (on("POST", "/orders", of_json({}, status=500)), False, "service_orders_2_safe"),
    ],
)
def test_what_users_would_see_is_not_hidden_by_a_second_opinion(world, broken, hideable, left):
    world.new.broken = broken

    run = world.pinned()

    assert (run.passed, run.control_passed, run.hideable) == (False, True, hideable)
    assert run.wrong_here_alone is not hideable
    assert run.strata_passed == {left}


def test_below_paths_that_both_versions_name_every_request_is_hidden(world):
    world.new.broken = lambda request: (
        of_json({}, status=500) if request.path.startswith("/orders/search") else None
    )
    run = world.pinned()
    assert (run.passed, run.hideable) == (False, True)

    only_new = world.tried
    old = snapshot(SETTINGS.replace('ask_again = ["/orders/search"]\n', ""))
    trials = replace(world.trials, read=lambda _: old)
    run = asyncio.run(trials.pinned(only_new))
    assert (run.passed, run.hideable) == (False, False)


@pytest.mark.parametrize("of", ["promotion", "rollback"])
def test_a_proof_is_that_of_the_service_and_of_signing_in(world, of):
    assert world.proof(of) == ProofRun(of=of, passed=True)
    assert all("x-ostiary-pin" not in each.headers for each in world.new.seen)

    world.signed_in = False
    assert [each.text for each in world.proof(of).failures] == ["nobody can sign in"]


def test_after_a_promotion_the_former_replicas_are_the_control(world):
    world.groups.promote("s-new")
    world.new.broken = on("GET", "/orders", of_json({}, status=500))
    assert not world.proof("promotion").passed
    assert world.old.seen

    world.old.broken = world.new.broken
    assert world.proof("promotion").passed


def test_a_route_that_is_taken_off_at_the_edge_is_taken_off_at_candidates(world):
    world.tried = snapshot(
        SETTINGS.replace("[services.orders]", "[services.orders]\nstrip_prefix = true")
    )
    world.rehearsed()
    assert {each.path for each in world.new.seen} == {"/", "/search/all"}
    assert {each.headers["x-forwarded-prefix"] for each in world.new.seen} == {"/orders"}
    assert {"of": "me"} in [each.query for each in world.new.seen]

    world.new.seen.clear()
    world.pinned()
    assert {each.path for each in world.new.seen} == {"/orders", "/orders/search/all"}


def test_a_captured_location_leads_to_no_other_service(world):
    step = """
[services.orders.journeys.own]
[[services.orders.journeys.own.steps]]
name = "where"
path = "/orders"
expect.status = 303
capture = { next = "header:location" }
[[services.orders.journeys.own.steps]]
name = "there"
path = "{next}"
expect.status = 200
"""
    world.tried = snapshot(SETTINGS.partition("[services.orders.journeys")[0] + step)
    world.groups.set_members("orders", [])
    world.new.broken = lambda _request: Response.redirect("/orders/../oauth2/token")

    found = world.rehearsed()

    (reason,) = found.failures
    assert "step there" in reason.text
    assert "not below a route of the service" in reason.text
    assert [each.path for each in world.new.seen] == ["/orders"]


def test_nothing_goes_to_a_service_that_is_not_its_own():
    async def run() -> list[str]:
        seen: list[str] = []

        async def answer(request: httpx.Request) -> httpx.Response:
            seen.append(str(request.url))
            return httpx.Response(200)

        way = ToService(httpx.MockTransport(answer), ["/orders"], strips=True)
        for path in ("/orders", "/orders?a=1", "/orders/7%2F8?b"):
            await way.handle_async_request(httpx.Request("GET", f"http://x{path}"))
        for path in ("/orders2", "/", "/oauth2/token"):
            with pytest.raises(httpx.UnsupportedProtocol):
                await way.handle_async_request(httpx.Request("GET", f"http://x{path}"))
        return seen

    assert asyncio.run(run()) == ["http://x/", "http://x/?a=1", "http://x/7%2F8?b"]

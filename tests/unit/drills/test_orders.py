"""The orders API as users call it: what counts as theirs, as refused, and as broken."""

import asyncio
import json

import httpx
import pytest

from ostiary.drills.ledger import Came, Expected
from ostiary.drills.orders import OrdersApi
from ostiary.drills.traffic_plan import Person, Visit
from ostiary.drills.visits import VisitRunner
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire

HERS = {"id": 1, "item": "u-0001", "quantity": 1}
HIS = {"id": 2, "item": "u-0002", "quantity": 1}


def api(answer):
    """Return the API of u-0001 where every request is answered so."""
    transport = httpx.MockTransport(answer)
    return OrdersApi(Wire(Target("service", "http://a", "http://a"), transport), "u-0001")


def answering(status, content):
    return lambda _: httpx.Response(status, json=content)


def test_an_order_is_sent_with_the_token_and_has_to_come_back():
    seen = []

    def answer(request):
        seen.append(request)
        return httpx.Response(201, json=HERS)

    asyncio.run(api(answer).order("token"))

    (request,) = seen
    assert (request.method, request.url.path) == ("POST", "/orders")
    assert request.headers["authorization"] == "Bearer token"
    assert json.loads(request.content) == {"item": "u-0001", "quantity": 1}


@pytest.mark.parametrize(
    ("status", "content", "kind"),
    [
        (500, {"error": "No."}, FailureKind.FAULT),
        (503, {"error": "Later."}, FailureKind.FAULT),
        (401, {"error": "Who?"}, FailureKind.REFUSED),
        (403, {"error": "Not you."}, FailureKind.REFUSED),
        (200, {"orders": [HERS, HIS]}, FailureKind.WRONG_IDENTITY),
        (200, {"orders": None}, FailureKind.WRONG_IDENTITY),
        (200, {}, FailureKind.WRONG_IDENTITY),
        (200, [HERS], FailureKind.WRONG_CONTENT),
    ],
)
def test_what_is_not_the_own_list_is_told_apart(status, content, kind):
    with pytest.raises(StepFailedError) as failed:
        asyncio.run(api(answering(status, content)).list_own("token"))
    assert failed.value.kind is kind


def test_the_own_orders_are_fine_however_many():
    for orders in ([], [HERS, HERS]):
        asyncio.run(api(answering(200, {"orders": orders})).list_own("token"))


class Walker:
    """A user whose sign-in always succeeds, for what follows it."""

    def __init__(self, person, orders):
        self.person = person
        self.orders = orders

    async def sign_in(self):
        return "code", None

    async def redeem(self, _code, _request):
        return type("Tokens", (), {"access_token": "token"})

    async def look_at_userinfo(self, _tokens):
        pass


def visit(roles, answer):
    person = Person(name="u-0001", email="a@b.invalid", password="secret", roles=roles)
    entries = []
    runner = VisitRunner(entries.append, lambda: 0.0, timeout_seconds=5, retry=False)
    plain = dict.fromkeys(("wrong_password", "refresh", "introspect", "forged_token"), False)
    planned = Visit(number=1, at=0.0, person=person, orders=True, looks=3, **plain)
    asyncio.run(runner.run(planned, Walker(person, api(answer)), 0.0))
    return [entry for entry in entries if "order" in entry.action]


def shop(request):
    """Answer as the example does."""
    if request.method == "POST":
        return httpx.Response(201, json=HERS)
    if request.url.path == "/orders/all":
        return httpx.Response(403, json={"error": "Only the role clerk may do this."})
    return httpx.Response(200, json={"orders": [HERS]})


def test_a_visit_orders_looks_as_often_as_planned_and_may_not_see_what_is_others():
    entries = visit(("member",), shop)

    assert [entry.action for entry in entries] == ["order", *["own_orders"] * 3, "all_orders"]
    assert all(entry.ok for entry in entries)
    assert (entries[-1].expected, entries[-1].came) == (Expected.REFUSE, Came.REFUSED)


def test_a_clerk_who_is_refused_is_harmed():
    last = visit(("member", "clerk"), shop)[-1]

    assert (last.expected, last.came, last.ok) == (Expected.GRANT, Came.REFUSED, False)


def test_everybody_s_orders_for_somebody_who_is_no_clerk_are_a_wrong_yes():
    last = visit(("member",), answering(200, {"orders": [HERS]}))[-1]

    assert last.wrong_yes

"""The orders API of the examples, as a simulated user calls it: with their own access token."""

import json
from typing import Final

from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.wire import Wire

CLERK: Final = "clerk"
"""The role of those who see the orders of everybody (examples/orders)."""

_GOOD: Final = range(200, 300)
_JSON: Final = {"content-type": "application/json"}


class OrdersApi:
    """Calls the API for one person, who orders things that are named after them."""

    def __init__(self, wire: Wire, name: str) -> None:
        self._wire = wire
        self._name = name

    async def order(self, access_token: str) -> None:
        """Make an order, and require that it is the one that was made."""
        body = json.dumps({"item": self._name, "quantity": 1}).encode()
        answer = await self._call("order", "POST", "/orders", access_token, body)
        self._require_own(answer, [answer.json()])

    async def list_own(self, access_token: str) -> None:
        """List one's orders, and require that they are nobody else's."""
        answer = await self._call("own_orders", "GET", "/orders", access_token)
        self._require_own(answer, answer.json().get("orders"))

    async def list_all(self, access_token: str) -> None:
        """List the orders of everybody, which only clerks may."""
        await self._call("all_orders", "GET", "/orders/all", access_token)

    async def _call(
        self, step: str, method: str, path: str, access_token: str, body: bytes | None = None
    ) -> Answer:
        headers = {"authorization": f"Bearer {access_token}", **(_JSON if body else {})}
        answer = await self._wire.send(step, method, path, headers=headers, content=body)
        answer.require(answer.status in _GOOD, "HTTP 200 to 299")
        return answer

    def _require_own(self, answer: Answer, orders: object) -> None:
        answer.require(
            isinstance(orders, list)
            and all(isinstance(each, dict) and each.get("item") == self._name for each in orders),
            "the own orders",
            got="other orders",
            kind=FailureKind.WRONG_IDENTITY,
        )

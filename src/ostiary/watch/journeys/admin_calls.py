"""Calls of a replica's admin API that are answers to look at, whatever comes.

`AdminApi` is for whoever needs what it makes; here the API itself is tried.
"""

import json
from collections.abc import Mapping
from urllib.parse import quote

from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.patience import seconds_to_wait, unless_busy
from ostiary.watch.relying_party.wire import Wire

USERS = "/admin/users"
CLIENTS = "/admin/clients"
KEYS = "/admin/keys"
AUDIT = "/admin/audit"
IN_USE = "/admin/in-use"


def user_path(email: str, act: str = "") -> str:
    """Return the address of an account, or of an act on it."""
    return f"{USERS}/{quote(email, safe='@')}{act and '/' + act}"


def client_path(client_id: str) -> str:
    """Return the address of a client."""
    return f"{CLIENTS}/{quote(client_id, safe='')}"


class AdminCalls:
    """The admin API of one target, asked by whoever holds `authorization`, or by a stranger."""

    def __init__(self, wire: Wire, authorization: Mapping[str, str]) -> None:
        """Ask over `wire`, with these headers; the token is never shown."""
        self._wire = wire
        self._authorization = dict(authorization)

    def of_a_stranger(self, authorization: Mapping[str, str]) -> "AdminCalls":
        """Return the same calls with other headers, of somebody who may not."""
        return AdminCalls(self._wire, authorization)

    async def ask(
        self, step: str, method: str, path: str, document: Mapping[str, object] | None = None
    ) -> Answer:
        """Return the answer to one call; a busy replica is asked again.

        Raises `StepFailedError` where none comes.
        """
        content = None if document is None else json.dumps(document).encode()
        kind = {} if content is None else {"content-type": "application/json"}
        headers = {**self._authorization, **kind, "accept": "application/json"}
        return await unless_busy(
            lambda: self._wire.send(step, method, path, headers=headers, content=content),
            lambda answer: seconds_to_wait(answer.status, answer.headers),
        )

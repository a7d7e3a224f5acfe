"""The gate in front of the guard's API: nobody passes unknown, and nobody beyond their role."""

from typing import Any

import falcon
import falcon.asgi

from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.peer import peer_uid
from ostiary.guard.operators.permissions import ROUTES, require
from ostiary.guard.operators.registry import Registry
from ostiary.kernel.errors import RefusedError

_SCHEME = "bearer "


class Gate:
    """Falcon middleware: it notes who asks, and asks the table of roles before any resource."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def process_request(
        self, request: falcon.asgi.Request, _response: falcon.asgi.Response
    ) -> None:
        """Find out who asks, before anything of the request is looked at."""
        token = _token(request.get_header("authorization"))
        request.context.operator = self._registry.identify(peer_uid(request.scope), token)

    async def process_resource(
        self,
        request: falcon.asgi.Request,
        _response: falcon.asgi.Response,
        _resource: object,
        _parts: dict[str, Any],
    ) -> None:
        """Refuse what the operator's role does not reach, and every route in no table."""
        operation = ROUTES.get((request.method, str(request.uri_template)))
        if operation is None:
            raise RefusedError("not_permitted", "The guard does not take this request.")
        require(operator_of(request), operation)


def operator_of(request: falcon.asgi.Request) -> Operator:
    """Return who has sent a request that passed the gate."""
    operator: Operator = request.context.operator
    return operator


def _token(header: str | None) -> str | None:
    """Return the bearer token (RFC 6750); a header that holds none counts as a wrong one."""
    if header is None:
        return None
    return header[len(_SCHEME) :] if header.lower().startswith(_SCHEME) else ""

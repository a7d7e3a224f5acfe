"""Who asks for a verdict: by a token, or on the service's own socket by the kernel's word."""

from collections.abc import Mapping
from typing import Any

import falcon.asgi

from ostiary.changes.operator_settings import Role, reaches
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.peer import peer_uid
from ostiary.guard.operators.registry import Registry
from ostiary.kernel.errors import RefusedError

_SCHEME = "bearer "


def caller_of(
    request: falcon.asgi.Request, registry: Registry, body: Mapping[str, Any], least: Role
) -> Operator:
    """Return who asks. Raises `UsageError` for somebody unknown, `RefusedError` beyond the role.

    Flagger sends no headers of one's own, but the metadata of the webhook: there the token is
    `metadata.token` of the body.
    """
    operator = registry.identify(peer_uid(request.scope), _token(request, body))
    if not reaches(operator.role, least):
        raise RefusedError(
            "not_permitted",
            f"{operator.name} may not do that: it takes the role {least}, and {operator.name} has "
            f"the role {operator.role}.",
            hint="Roles stand in `[guard.operators]`.",
        )
    return operator


def _token(request: falcon.asgi.Request, body: Mapping[str, Any]) -> str | None:
    """Return the bearer token (RFC 6750); a header that holds none counts as a wrong one."""
    header = request.get_header("authorization")
    if header is not None:
        return header[len(_SCHEME) :] if header.lower().startswith(_SCHEME) else ""
    metadata = body.get("metadata")
    token = metadata.get("token") if isinstance(metadata, Mapping) else None
    return token if isinstance(token, str) else None

"""What a request means to this replica, beyond its own content.

The edge may ask one request of two replicas: the canary first and, when its answer is not plainly
good, the last good version. Both attempts carry the same request id. Side effects are therefore
keyed by that id: the second attempt neither counts twice nor fails on what the first one did.
Request id, attempt, client address and the moment of arrival are believed only from the edge.
"""

import hmac
import re
from dataclasses import dataclass
from typing import cast

import falcon

from ostiary.identity.store.attempt import Attempt
from ostiary.kernel.ids import Random
from ostiary.kernel.outcomes import (
    ATTEMPT_HEADER,
    EDGE_HEADER,
    RECEIVED_HEADER,
    REQUEST_ID_HEADER,
    Outcome,
)
from ostiary.kernel.request_kinds import Kind

_REQUEST_ID_LENGTH_MAX = 128
_RECEIVED = re.compile(r"([0-9]{1,11})\.([0-9]{3})\+([0-9]{1,9})")
UNREAD = "unread"
"""Request id of what Falcon refused before its context was read; it may be from the edge."""


@dataclass(slots=True)
class RequestContext:
    """Per-request facts; `outcome` is filled in by whoever answers, `kind` by whoever reads it.

    `subject` is the user or client who was recognised, where the answer is good for them.
    `attempt` is 1, or 2 for a second opinion. `client_address` is an IP address as text.
    `secure` tells whether the user's connection is HTTPS. `received_ms` is when the edge had the
    whole request, in Unix milliseconds; None where it does not say so.
    """

    request_id: str
    attempt: int
    client_address: str
    secure: bool
    from_edge: bool
    received_ms: int | None = None
    route: str = "unrouted"
    outcome: Outcome | None = None
    kind: Kind | None = None
    subject: str | None = None

    @property
    def is_second_opinion(self) -> bool:
        """Return whether another replica has been asked this request before."""
        return self.attempt >= 2  # noqa: PLR2004 - the second attempt is the second


def context_of(request: falcon.Request) -> RequestContext:
    """Return the context that the middleware attached to a request."""
    context = cast("RequestContext | None", getattr(request.context, "ostiary", None))
    if context is None:
        # Falcon refuses some requests before any middleware sees them; nothing in one is believed.
        context = RequestContext(UNREAD, 1, "", secure=False, from_edge=False)
        request.context.ostiary = context
    return context


def attempt_of(request: falcon.Request, *, snapshot: str) -> Attempt:
    """Return which execution of the request this is, for what it writes."""
    context = context_of(request)
    return Attempt(
        context.request_id,
        context.is_second_opinion,
        snapshot,
        client_address=context.client_address,
        received_ms=context.received_ms,
    )


def read_context(request: falcon.Request, *, edge_token: str, rng: Random) -> RequestContext:
    """Build the context of a request; without the edge's token nothing in it is believed."""
    presented = request.get_header(EDGE_HEADER) or ""
    from_edge = hmac.compare_digest(presented.encode(), edge_token.encode())
    if not from_edge:
        return RequestContext(
            rng.hex(16), 1, request.remote_addr or "", secure=False, from_edge=False
        )
    request_id = request.get_header(REQUEST_ID_HEADER) or rng.hex(16)
    attempt = request.get_header(ATTEMPT_HEADER) or "1"
    forwarded = (request.get_header("x-forwarded-for") or "").rpartition(",")[2].strip()
    return RequestContext(
        request_id=request_id[:_REQUEST_ID_LENGTH_MAX],
        attempt=int(attempt) if attempt.isascii() and attempt.isdigit() else 1,
        client_address=forwarded or request.remote_addr or "",
        secure=request.get_header("x-forwarded-proto") == "https",
        from_edge=True,
        received_ms=read_received(request.get_header(RECEIVED_HEADER) or ""),
    )


def read_received(text: str) -> int | None:
    """Return the Unix milliseconds that the edge's stamp names; None for anything else.

    Without a stamp, as with an edge of an earlier version, no request counts as one that waited.
    """
    found = _RECEIVED.fullmatch(text)
    if found is None:
        return None
    seconds, thousandths, arriving_ms = map(int, found.groups())
    return seconds * 1000 + thousandths + arriving_ms

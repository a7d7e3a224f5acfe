"""Which execution of a request causes a side effect.

The edge may have one request executed twice, by the candidate and by the last good version, and
the first execution may still be running when the second one answers. Rows therefore carry the
request's id. The second execution replaces what the first one left, since only its answer reaches
the person; the first one, when it comes late, changes nothing that the second one wrote.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Attempt:
    """One execution of one request, by one snapshot. `request_id` is the same for all of them.

    `client_address` is where the request came from, as text; empty where nobody sent one.
    `received_ms` is when the edge had received all of it, in Unix milliseconds; None where no edge
    says so. It can be long ago: a request waits in a replica that is stopped.
    """

    request_id: str
    is_second_opinion: bool
    minted_by: str
    client_address: str = ""
    received_ms: int | None = None

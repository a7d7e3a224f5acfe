"""When a request to a service beside identity is asked again, and of whom.

A service says no outcomes, so its second opinion goes by status. What a version answers is named by
the edge (`service_clusters`): which version, and the status.
"""

from ostiary.edge.balancing import draws_for_another
from ostiary.edge.endpoints import Endpoint
from ostiary.edge.retry_policies import ONE_STEP_DOWN, once_more
from ostiary.edge.route_classes import Arm, Served
from ostiary.edge.service_model import GuardedService
from ostiary.edge.xds import JsonObject, duration
from ostiary.kernel.outcomes import OUTCOME_HEADER

_UNAVAILABLE = 503
_NOT_BEGUN = "connect-failure,refused-stream,reset-before-request"
_LOST = "connect-failure,refused-stream,reset"

SETTLED = f"{Served.CANARY}/[23][0-9]{{2}}|{Served.LAST_GOOD}/[1-4][0-9]{{2}}"
"""An RE2 expression for answers that no second opinion is asked about.

These are the canary's plain successes, and whatever last good says short of an error of its own:
it is never overruled. The rule is positive, so what it does not name is asked again.
"""


def retry_policy(service: GuardedService, arm: Arm, *, safe: bool) -> JsonObject:
    """Return the retry policy of an arm; `safe` requests may be asked twice without harm.

    A request that is not safe is asked again only where no replica has got it.
    """
    if arm is Arm.PINNED:
        # A journey sees the canary as it is.
        return {"num_retries": 0}
    policy = once_more(_draws(service)) | {"retry_on": _LOST if safe else _NOT_BEGUN}
    if arm is Arm.STABLE:
        return policy
    canary = service.canary if arm is Arm.CANARY else None
    policy["per_try_timeout"] = duration((canary or service).timeout_s)
    if canary is not None:
        policy |= ONE_STEP_DOWN | (_not_settled() if safe else {})
    elif safe:
        policy |= _faults(service.endpoints)
    return policy


def route_timeout_s(service: GuardedService, arm: Arm) -> float:
    """Return the seconds for all attempts; in canary and control the second one has its full time.

    Outside of a change a request is asked again only where a connection is lost.
    """
    if arm is Arm.STABLE or service.canary is None:
        return service.timeout_s
    if arm is Arm.PINNED:
        return service.canary.timeout_s
    first = service.canary.timeout_s if arm is Arm.CANARY else service.timeout_s
    return service.two_attempts_s(first)


def _not_settled() -> JsonObject:
    return {
        "retry_on": f"5xx,{_LOST},retriable-headers",
        "retriable_headers": [
            {
                "name": OUTCOME_HEADER,
                "treat_missing_header_as_empty": True,
                "invert_match": True,
                "string_match": {"safe_regex": {"regex": SETTLED}},
            }
        ],
    }


def _faults(last_good: tuple[Endpoint, ...]) -> JsonObject:
    """Return what the control arm is asked again for, so that both arms can be compared.

    A refusal of last good is final. Where it has a single replica, so is a 503 of its own: asking
    the same one again is the last thing that helps one that is overloaded.
    """
    if len(last_good) > 1:
        return {"retry_on": f"5xx,{_LOST}"}
    return {
        "retry_on": f"retriable-status-codes,{_LOST}",
        "retriable_status_codes": [each for each in range(500, 600) if each != _UNAVAILABLE],
    }


def _draws(service: GuardedService) -> int:
    groups = [service.endpoints]
    if service.canary is not None:
        groups.append(service.canary.endpoints)
    return max(draws_for_another([each.weight for each in group]) for group in groups)

"""When a request is asked again, and of whom: Envoy's retry policies."""

from ostiary.edge.balancing import draws_for_another
from ostiary.edge.model import EdgeModel, Endpoint
from ostiary.edge.outcome_rules import settled_answers
from ostiary.edge.xds import JsonObject, duration
from ostiary.kernel.outcomes import OUTCOME_HEADER

_UNAVAILABLE = 503


ONE_STEP_DOWN: JsonObject = {
    "retry_priority": {
        "name": "envoy.retry_priorities.previous_priorities",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.retry.priority"
            ".previous_priorities.v3.PreviousPrioritiesConfig",
            "update_frequency": 1,
        },
    }
}
"""The part of a policy by which a second attempt goes to whoever stands behind the first one."""


def once_more(draws: int) -> JsonObject:
    """Return what all policies have in common: once, almost at once, and of another replica.

    `draws` is how often a balancer may have to draw for that; see `draws_for_another`.
    """
    return {
        "num_retries": 1,
        "retry_back_off": {"base_interval": "0.002s", "max_interval": "0.01s"},
        # Within one priority, a second attempt goes to another replica where there is one.
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.retry.host"
                    ".previous_hosts.v3.PreviousHostsPredicate"
                },
            }
        ],
        "host_selection_retry_max_attempts": draws,
    }


def canary_policy(model: EdgeModel, route_class: str) -> JsonObject:
    """Return the retry policy of the canary's arm on one class of routes.

    Where the arm has the last good replicas, spread in another way, nobody is behind them: a
    second attempt goes to another one of them, as in the other arms.
    """
    own_time = {"per_try_timeout": duration(model.canary_per_try_timeout_s)}
    if model.canary is None or not model.canary.same_replicas:
        return {**second_opinion(model, route_class), **own_time}
    policy = {**second_try(model), **own_time}
    del policy["retry_priority"]
    return policy


def second_opinion(model: EdgeModel, route_class: str = "") -> JsonObject:
    """Return the retry policy of the canary: what is not plainly good is asked again, once.

    Refusals that the change intends on this class of routes stand.
    """
    return {
        "retry_on": "5xx,reset,connect-failure,retriable-headers",
        "retriable_headers": [
            {
                "name": OUTCOME_HEADER,
                "treat_missing_header_as_empty": True,
                "invert_match": True,
                "string_match": {"safe_regex": {"regex": settled_answers(model, route_class)}},
            }
        ],
        "per_try_timeout": duration(model.per_try_timeout_s),
        **once_more(_draws(model)),
        **ONE_STEP_DOWN,
    }


def second_try(model: EdgeModel) -> JsonObject:
    """Return the retry policy of the arms that the last good version answers first.

    It is that of the second opinion, so that arms can be compared. Only where there is a single
    replica, a 503 that it says itself stands: asking the same one again is the last thing that
    helps a replica that is overloaded.
    """
    if len(model.stable) > 1:
        return second_opinion(model)
    return {
        **second_opinion(model),
        "retry_on": "retriable-status-codes,reset,connect-failure,retriable-headers",
        "retriable_status_codes": [each for each in range(500, 600) if each != _UNAVAILABLE],
    }


def _draws(model: EdgeModel) -> int:
    groups: list[tuple[Endpoint, ...]] = [model.stable]
    if model.canary is not None:
        groups.append(model.canary.endpoints)
    return max(draws_for_another([each.weight for each in group]) for group in groups)

"""What clients may say of themselves: nothing that only the edge or its replicas may say."""

import re

from ostiary.edge.xds import JsonObject
from ostiary.kernel.outcomes import OUTCOME_HEADER, PIN_HEADER

INSIDE_PREFIXES = ("x-envoy-", "x-ostiary-", "x-auth-")
"""Headers by which edge, guard and replicas talk to each other; none passes the edge."""

_MUTATION = (
    "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3"
    ".HeaderMutation"
)
_RBAC = "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC"
_FORGEABLE = (
    OUTCOME_HEADER,
    # Would have the request traced, under an id of the client's choice.
    "x-client-trace-id",
    # A client's own word on where it comes from and what it asks for. Envoy writes
    # x-forwarded-for and x-forwarded-proto anew from the connection.
    "forwarded",
    "x-forwarded-client-cert",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-ssl",
    "x-http-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
    "x-url-scheme",
)
_CLIENT_ADDRESS = "x-forwarded-for"
_METHODS = "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS"


def trust(*, https: bool, trusts_proxy: bool) -> JsonObject:
    """Return what makes every client an outsider, so that its control headers are replaced.

    Under `https` every request counts as secure, because users come no other way: a proxy that
    ends TLS in front reaches the edge in plain HTTP. With `trusts_proxy` the address that this
    proxy has written last is the client's; otherwise it is the connection's.
    """
    names = _FORGEABLE if trusts_proxy else (*_FORGEABLE, _CLIENT_ADDRESS)
    removals: list[JsonObject] = [{"remove": name} for name in names]
    removals += [
        {"remove_on_match": {"key_matcher": _expression(expression)}}
        for expression in map(_inside_names, INSIDE_PREFIXES)
    ]
    return {
        "use_remote_address": True,
        "skip_xff_append": trusts_proxy,
        # An empty list means Envoy's default, which trusts loopback and private networks. So it
        # names one address that no connection can come from.
        "internal_address_config": {
            "cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]
        },
        "early_header_mutation_extensions": [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": {"@type": _MUTATION, "mutations": removals},
            }
        ],
        # Also against a target such as `GET http://host/` on a connection with TLS.
        "scheme_header_transformation": {"scheme_to_overwrite": "https" if https else "http"},
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
    }


def refusal_filter() -> JsonObject:
    """Return the HTTP filter that refuses requests which parsers could read differently.

    Two `Host` headers arrive as one with a comma (RFC 9112, section 3.2, wants them refused).
    Over HTTP/2 a method can be any text; what is none of ours is neither served nor counted.
    """
    ambiguous = _matched(":authority", ".*[^A-Za-z0-9._:\\[\\]-].*|")
    permissions = {"host": ambiguous, "method": {"not_rule": _matched(":method", _METHODS)}}
    policies = {
        name: {"permissions": [permission], "principals": [{"any": True}]}
        for name, permission in permissions.items()
    }
    return {
        "name": "envoy.filters.http.rbac",
        "typed_config": {"@type": _RBAC, "rules": {"action": "DENY", "policies": policies}},
    }


def _matched(header: str, regex: str) -> JsonObject:
    return {"header": {"name": header, "string_match": _expression(regex)}}


def _expression(regex: str) -> JsonObject:
    return {"safe_regex": {"regex": regex}}


def _inside_names(prefix: str) -> str:
    """Return the expression for all names with the prefix but that of the pin.

    The pin is compared with the edge token when a route is chosen, and removed after that.
    """
    if not PIN_HEADER.startswith(prefix):
        return f"{prefix}.*"
    return f"{prefix}(|{_other_than(PIN_HEADER.removeprefix(prefix))})"


def _other_than(word: str) -> str:
    """Return an expression for every text but one; RE2 has no negative look-ahead."""
    parts = [f"{re.escape(word)}.+"]
    for length, letter in enumerate(word):
        start = re.escape(word[:length])
        parts.append(f"{start}[^{letter}].*")
        if length:
            parts.append(start)
    return "|".join(parts)

"""The listener: what is taken from outside, what is cleaned off it, and what is counted."""

from ostiary.edge.access_stats import attempt_logs, final_logs
from ostiary.edge.unavailable import local_replies
from ostiary.edge.xds import JsonObject, socket_address
from ostiary.kernel.outcomes import EDGE_HEADER, OUTCOME_HEADER

LISTENER = "edge"
STAT_PREFIX = "edge"

BODY_LIMIT_BYTES = 64 * 1024
"""A larger body could not be kept for a second opinion, so it is refused with 413."""

_HTTP = "type.googleapis.com/envoy.extensions.filters.http"
_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)
_HEADER_MUTATION = (
    "type.googleapis.com/envoy.extensions.http.early_header_mutation.header_mutation.v3"
    ".HeaderMutation"
)
_FORGEABLE = (
    EDGE_HEADER,
    OUTCOME_HEADER,
    # A client's own word on where it comes from; Envoy writes these anew from the connection.
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-prefix",
    "x-forwarded-proto",
    "x-real-ip",
)


def listener(*, host: str, port: int, status_url: str, route_specifier: JsonObject) -> JsonObject:
    """Return the listener (`envoy.config.listener.v3.Listener`).

    `route_specifier` is `{"rds": …}` for a running Envoy and `{"route_config": …}` for validation.
    """
    return {
        "name": LISTENER,
        "address": socket_address(host, port),
        # Several Envoys accept on the same port; the kernel spreads connections over them.
        "enable_reuse_port": True,
        "per_connection_buffer_limit_bytes": 4 * BODY_LIMIT_BYTES,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": _connection_manager(status_url, route_specifier),
                    }
                ]
            }
        ],
    }


def _connection_manager(status_url: str, route_specifier: JsonObject) -> JsonObject:
    return {
        "@type": _MANAGER,
        "stat_prefix": STAT_PREFIX,
        **route_specifier,
        **_trust(),
        **_limits(),
        "server_name": "ostiary",
        "always_set_request_id_in_response": True,
        "access_log": final_logs(),
        "local_reply_config": local_replies(status_url),
        "http_filters": [
            {
                "name": "envoy.filters.http.buffer",
                "typed_config": {
                    "@type": f"{_HTTP}.buffer.v3.Buffer",
                    "max_request_bytes": BODY_LIMIT_BYTES,
                },
            },
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{_HTTP}.router.v3.Router",
                    "upstream_log": attempt_logs(),
                },
            },
        ],
    }


def _trust() -> JsonObject:
    """Return what makes every client an outsider, so that its control headers are replaced."""
    removals = [{"remove": name} for name in _FORGEABLE]
    return {
        "use_remote_address": True,
        # An empty list means Envoy's default, which trusts loopback and private networks. So it
        # names one address that no connection can come from.
        "internal_address_config": {
            "cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]
        },
        "early_header_mutation_extensions": [
            {
                "name": "envoy.http.early_header_mutation.header_mutation",
                "typed_config": {"@type": _HEADER_MUTATION, "mutations": removals},
            }
        ],
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
    }


def _limits() -> JsonObject:
    return {
        "common_http_protocol_options": {
            "idle_timeout": "60s",
            "max_headers_count": 100,
            # WSGI knows no difference between x_request_id and x-request-id.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "request_headers_timeout": "10s",
        "request_timeout": "30s",
        "stream_idle_timeout": "30s",
        "drain_timeout": "2s",
    }

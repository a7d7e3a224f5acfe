"""The listener: what is taken from outside, what is cleaned off it, and what is counted."""

from ostiary.edge.access_stats import attempt_logs, final_logs
from ostiary.edge.entrance import ClientLimits, Entrance
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.request_hygiene import refusal_filter, trust
from ostiary.edge.security_headers import header_filter, security_headers
from ostiary.edge.tls import transport_socket
from ostiary.edge.unavailable import local_replies
from ostiary.edge.xds import JsonObject, duration, socket_address

LISTENER = "edge"
STAT_PREFIX = "edge"

BODY_LIMIT_BYTES = 64 * 1024
"""A larger body could not be kept for a second opinion, so it is refused with 413."""

_HEADER_LIMIT_KIB = 32
_HTTP = "type.googleapis.com/envoy.extensions.filters.http"
_MANAGER = (
    "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3"
    ".HttpConnectionManager"
)


def listener(
    model: EdgeModel,
    place: EdgePlace,
    *,
    route_specifier: JsonObject,
    certificates: JsonObject | None,
) -> JsonObject:
    """Return the listener (`envoy.config.listener.v3.Listener`).

    `route_specifier` is `{"rds": …}` for a running Envoy and `{"route_config": …}` for validation;
    `certificates` comes from `edge.tls`, and is None where the edge speaks plain HTTP.
    """
    limits = place.entrance.limits
    chain: JsonObject = {
        "filters": [
            {
                "name": "envoy.filters.network.http_connection_manager",
                "typed_config": _connection_manager(model, place.entrance, route_specifier),
            }
        ]
    }
    if certificates is not None:
        chain["transport_socket"] = transport_socket(certificates)
        chain["transport_socket_connect_timeout"] = duration(limits.handshake_s)
    return {
        "name": LISTENER,
        "address": socket_address(place.listen_host, place.listen_port),
        # Several Envoys accept on the same port; the kernel spreads connections over them.
        "enable_reuse_port": True,
        "per_connection_buffer_limit_bytes": 4 * BODY_LIMIT_BYTES,
        "filter_chains": [chain],
    }


def _connection_manager(
    model: EdgeModel, entrance: Entrance, route_specifier: JsonObject
) -> JsonObject:
    headers = security_headers(https=entrance.https, hsts_s=model.hsts_s, popups=model.popups)
    return {
        "@type": _MANAGER,
        "stat_prefix": STAT_PREFIX,
        **route_specifier,
        **trust(https=entrance.https, trusts_proxy=entrance.trusts_proxy),
        **_limits(entrance.limits, model.longest_route_timeout_s),
        "server_name": "ostiary",
        "always_set_request_id_in_response": True,
        "access_log": final_logs(),
        "local_reply_config": local_replies(
            model.status_url,
            headers,
            services=[route for service in model.services for route in service.routes],
        ),
        "http_filters": [
            header_filter(headers),
            refusal_filter(),
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


def _limits(limits: ClientLimits, route_timeout_s: float) -> JsonObject:
    """Return what bounds one connection; a replica's time to answer comes on top of a client's."""
    return {
        "common_http_protocol_options": {
            "idle_timeout": duration(limits.idle_connection_s),
            "max_stream_duration": duration(limits.request_s + route_timeout_s + limits.stream_s),
            "max_requests_per_connection": 10_000,
            "max_headers_count": 100,
            # WSGI knows no difference between x_request_id and x-request-id.
            "headers_with_underscores_action": "DROP_HEADER",
        },
        "http2_protocol_options": {
            "max_concurrent_streams": 100,
            "initial_stream_window_size": 64 * 1024,
            "initial_connection_window_size": 1024 * 1024,
            # Frames that Envoy must write and a client does not take in: beyond these the
            # connection is closed.
            "max_outbound_frames": 2_000,
            "max_outbound_control_frames": 500,
        },
        "max_request_headers_kb": _HEADER_LIMIT_KIB,
        "request_headers_timeout": duration(limits.headers_s),
        "request_timeout": duration(limits.request_s),
        "stream_idle_timeout": duration(limits.idle_stream_s + route_timeout_s),
        "drain_timeout": "2s",
    }

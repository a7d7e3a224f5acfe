"""What an Envoy is started with, and the same with everything inlined for validation."""

from pathlib import Path

from ostiary.edge.access_stats import stats_settings
from ostiary.edge.clusters import clusters
from ostiary.edge.descriptors import connections_allowed
from ostiary.edge.entrance import ClientLimits
from ostiary.edge.listener import listener
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.routes import ROUTE_TABLE, route_table
from ostiary.edge.tls import inline_certificate, transport_socket, watched_certificate
from ostiary.edge.xds import JsonObject, socket_address

CLUSTER_FILE = "cds.json"
LISTENER_FILE = "lds.json"
ROUTE_FILE = "rds.json"
CERTIFICATE_FILE = "sds.json"

_LARGEST_EXPRESSION = 2_000
_MIB = 1024 * 1024
_REQUESTS_PER_READ = 20
_CONNECTIONS_MONITOR = "envoy.resource_monitors.global_downstream_max_connections"
_HEAP_MONITOR = "envoy.resource_monitors.fixed_heap"


def bootstrap(
    index: int, xds_directory: Path, admin_socket: str, limits: ClientLimits
) -> JsonObject:
    """Return the bootstrap of the Envoy with this index; it reads all else from files.

    The administration interface is a Unix socket with mode 0600, because it shows the edge token
    and lets anybody who reaches it stop the edge, a web page on this machine included.
    `admin_socket` may be relative to the directory in which Envoy is started.
    """
    return {
        "node": _node(str(index)),
        "admin": {"address": {"pipe": {"path": admin_socket, "mode": 0o600}}},
        # Durations are merged at a flush; the default of 5 s would be slow for a canary.
        "stats_flush_interval": "1s",
        "stats_config": stats_settings(),
        "layered_runtime": _runtime(),
        "overload_manager": _overload(limits),
        "dynamic_resources": {
            "cds_config": file_source(xds_directory, CLUSTER_FILE),
            "lds_config": file_source(xds_directory, LISTENER_FILE),
        },
    }


def file_source(xds_directory: Path, name: str) -> JsonObject:
    """Return where one kind of resource is read from, each in a watched directory of its own.

    Any rename into a watched directory makes Envoy read the file again, so one directory for all
    would make each change load everything.
    """
    directory = xds_directory / name.removesuffix(".json")
    return {
        "resource_api_version": "V3",
        "path_config_source": {
            "path": str(directory / name),
            "watched_directory": {"path": str(directory)},
        },
    }


def dynamic_listener(model: EdgeModel, place: EdgePlace, xds_directory: Path) -> JsonObject:
    """Return the listener that takes routes and certificate from their files."""
    rds = {
        "route_config_name": ROUTE_TABLE,
        "config_source": file_source(xds_directory, ROUTE_FILE),
    }
    return _listener(model, place, xds_directory, {"rds": rds})


def inlined_bootstrap(model: EdgeModel, place: EdgePlace, xds_directory: Path) -> JsonObject:
    """Return one static configuration that holds all that the model makes.

    Envoy's validation does not read the files of dynamic configuration; it would find any of them
    in order. The certificate stays in its file, which has to stand there: it changes without the
    model, and a model that was judged must not have to be judged again for that.
    """
    routes = {
        "route_config": route_table(
            model, place.edge_token, trusts_proxy=place.entrance.trusts_proxy
        )
    }
    return {
        "node": _node("validation"),
        "layered_runtime": _runtime(),
        "static_resources": {
            "clusters": clusters(model),
            "listeners": [_listener(model, place, xds_directory, routes)],
        },
    }


def certificate_bootstrap(secret: JsonObject) -> JsonObject:
    """Return a configuration for the validation of a certificate and its key, and nothing else."""
    chain = {"filters": [], "transport_socket": transport_socket(inline_certificate(secret))}
    inert = {
        "name": "certificate",
        "address": socket_address("127.0.0.1", 1),
        "filter_chains": [chain],
    }
    return {"static_resources": {"listeners": [inert]}}


def _listener(
    model: EdgeModel, place: EdgePlace, xds_directory: Path, route_specifier: JsonObject
) -> JsonObject:
    certificate = watched_certificate(file_source(xds_directory, CERTIFICATE_FILE))
    return listener(
        model,
        place,
        route_specifier=route_specifier,
        certificates=certificate if place.entrance.tls else None,
    )


def _node(name: str) -> JsonObject:
    return {"id": f"edge-{name}", "cluster": "edge"}


def _runtime() -> JsonObject:
    """Return Envoy's runtime settings.

    The expression of the settled answers is larger than Envoy allows by default (100
    instructions); it is made from checked names only, so a larger limit is safe.
    Against clients that open and reset streams at high speed, one read serves only so many
    requests before other connections have their turn, and a connection that resets most of its
    first hundred streams at once is closed (CVE-2023-44487).
    """
    limits = {"warn_level": _LARGEST_EXPRESSION, "error_level": _LARGEST_EXPRESSION}
    layer: JsonObject = {f"re2.max_program_size.{level}": each for level, each in limits.items()}
    layer |= {
        "http.max_requests_per_io_cycle": _REQUESTS_PER_READ,
        "overload.premature_reset_total_stream_count": 100,
    }
    return {"layers": [{"name": "limits", "static_layer": layer}]}


def _overload(limits: ClientLimits) -> JsonObject:
    """Return the limits on connections and memory, without which Envoy takes until it ends.

    Near the end of its memory an Envoy gives back what it can and closes connections after their
    answer; at the end it refuses requests, so that the other Envoys and replicas live on.
    """
    monitors = "type.googleapis.com/envoy.extensions.resource_monitors"
    connections = {
        "@type": f"{monitors}.downstream_connections.v3.DownstreamConnectionsConfig",
        "max_active_downstream_connections": connections_allowed(limits.connections),
    }
    heap = {
        "@type": f"{monitors}.fixed_heap.v3.FixedHeapConfig",
        "max_heap_size_bytes": limits.heap_mib * _MIB,
    }
    return {
        "refresh_interval": "0.25s",
        "resource_monitors": [
            {"name": _CONNECTIONS_MONITOR, "typed_config": connections},
            {"name": _HEAP_MONITOR, "typed_config": heap},
        ],
        "actions": [
            _at_heap("shrink_heap", 0.9),
            _at_heap("disable_http_keepalive", 0.9),
            _at_heap("stop_accepting_requests", 0.98),
        ],
    }


def _at_heap(action: str, share: float) -> JsonObject:
    return {
        "name": f"envoy.overload_actions.{action}",
        "triggers": [{"name": _HEAP_MONITOR, "threshold": {"value": share}}],
    }

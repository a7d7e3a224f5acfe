"""What an Envoy is started with, and the same with everything inlined for validation."""

from pathlib import Path

from ostiary.edge.access_stats import stats_settings
from ostiary.edge.clusters import clusters
from ostiary.edge.listener import listener
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.routes import ROUTE_TABLE, route_table
from ostiary.edge.xds import JsonObject

CLUSTER_FILE = "cds.json"
LISTENER_FILE = "lds.json"
ROUTE_FILE = "rds.json"

_LARGEST_EXPRESSION = 2_000
_MOST_CONNECTIONS = 20_000


def bootstrap(index: int, xds_directory: Path, admin_socket: str) -> JsonObject:
    """Return the bootstrap of the Envoy with this index; it reads all else from files.

    The administration interface is a Unix socket with mode 0600, because it shows the edge token
    and lets anybody who reaches it stop the edge, a web page on this machine included.
    `admin_socket` may be relative to the directory in which Envoy is started.
    """
    return {
        "node": {"id": f"edge-{index}", "cluster": "edge"},
        "admin": {"address": {"pipe": {"path": admin_socket, "mode": 0o600}}},
        # Durations are merged at a flush; the default of 5 s would be slow for a canary.
        "stats_flush_interval": "1s",
        "stats_config": stats_settings(),
        "layered_runtime": _runtime(),
        "overload_manager": _overload(),
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
    """Return the listener that takes its routes from the route file."""
    rds = {
        "route_config_name": ROUTE_TABLE,
        "config_source": file_source(xds_directory, ROUTE_FILE),
    }
    return _listener(model, place, {"rds": rds})


def inlined_bootstrap(model: EdgeModel, place: EdgePlace) -> JsonObject:
    """Return one static configuration that holds all that the model makes.

    Envoy's validation does not read the files of dynamic configuration; it would find any of them
    in order.
    """
    routes = {"route_config": route_table(model, place.edge_token)}
    return {
        "layered_runtime": _runtime(),
        "static_resources": {
            "clusters": clusters(model),
            "listeners": [_listener(model, place, routes)],
        },
    }


def _runtime() -> JsonObject:
    """Return Envoy's runtime settings.

    The expression of the settled answers is larger than Envoy allows by default (100
    instructions); it is made from checked names only, so a larger limit is safe.
    """
    limits = {"warn_level": _LARGEST_EXPRESSION, "error_level": _LARGEST_EXPRESSION}
    layer = {f"re2.max_program_size.{level}": limit for level, limit in limits.items()}
    return {"layers": [{"name": "limits", "static_layer": layer}]}


def _overload() -> JsonObject:
    """Return the limit on client connections, without which Envoy takes until memory ends."""
    connections = {
        "@type": "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3"
        ".DownstreamConnectionsConfig",
        "max_active_downstream_connections": _MOST_CONNECTIONS,
    }
    name = "envoy.resource_monitors.global_downstream_max_connections"
    return {"resource_monitors": [{"name": name, "typed_config": connections}]}


def _listener(model: EdgeModel, place: EdgePlace, route_specifier: JsonObject) -> JsonObject:
    return listener(
        host=place.listen_host,
        port=place.listen_port,
        status_url=model.status_url,
        route_specifier=route_specifier,
    )

"""The files by which Envoy is steered, and putting them in place."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ostiary.edge.bootstrap import (
    CERTIFICATE_FILE,
    CLUSTER_FILE,
    LISTENER_FILE,
    ROUTE_FILE,
    dynamic_listener,
)
from ostiary.edge.certificates import Certificate
from ostiary.edge.clusters import clusters
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.routes import route_table
from ostiary.edge.tls import CERTIFICATE_TYPE
from ostiary.edge.xds import JsonObject
from ostiary.kernel.files import write_atomically
from ostiary.kernel.hashing import content_hash

_CONFIG = "type.googleapis.com/envoy.config"
_TYPES = {
    CLUSTER_FILE: f"{_CONFIG}.cluster.v3.Cluster",
    LISTENER_FILE: f"{_CONFIG}.listener.v3.Listener",
    ROUTE_FILE: f"{_CONFIG}.route.v3.RouteConfiguration",
    CERTIFICATE_FILE: CERTIFICATE_TYPE,
}
_DIGEST_LENGTH = 12


@dataclass(frozen=True, slots=True)
class XdsFile:
    """One file of dynamic configuration: its name, its version, and its resources."""

    name: str
    version: str
    resources: tuple[JsonObject, ...] = field(repr=False)

    def content(self) -> bytes:
        """Return the file as Envoy reads it (a `DiscoveryResponse`)."""
        typed = [{"@type": _TYPES[self.name], **resource} for resource in self.resources]
        response = {"version_info": self.version, "resources": typed}
        return json.dumps(response, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class XdsFiles:
    """All files of one model."""

    clusters: XdsFile
    listeners: XdsFile
    routes: XdsFile


def render(model: EdgeModel, place: EdgePlace) -> XdsFiles:
    """Return the files of a model; the routes carry its version, the others only their hash."""
    routes = [route_table(model, place.edge_token, trusts_proxy=place.entrance.trusts_proxy)]
    return XdsFiles(
        clusters=xds_file(CLUSTER_FILE, clusters(model)),
        listeners=xds_file(
            LISTENER_FILE, [dynamic_listener(model, place, xds_directory(place.directory))]
        ),
        routes=xds_file(ROUTE_FILE, routes, label=model.version),
    )


def xds_file(name: str, resources: list[JsonObject], *, label: str = "") -> XdsFile:
    """Return a file whose version is the hash of its resources, after the label if any."""
    digest = content_hash(resources)[:_DIGEST_LENGTH]
    version = f"{label}/{digest}" if label else digest
    return XdsFile(name, version, tuple(resources))


def secret_file(certificate: Certificate) -> XdsFile:
    """Return the file of a certificate and its key: one, so that one rename brings both."""
    return xds_file(CERTIFICATE_FILE, [certificate.secret()])


def with_kept(new: XdsFile, old: XdsFile | None) -> XdsFile:
    """Return the new resources and those of the old that have no successor of the same name.

    Envoy refuses routes to a cluster that it does not have, so clusters come before the routes to
    them and go after.
    """
    if old is None:
        return new
    names = {resource["name"] for resource in new.resources}
    kept = [resource for resource in old.resources if resource["name"] not in names]
    return xds_file(new.name, [*new.resources, *kept]) if kept else new


def holds(old: XdsFile | None, new: XdsFile) -> bool:
    """Return whether all resources of the new file stand in the old one, exactly."""
    return old is not None and all(resource in old.resources for resource in new.resources)


class XdsDirectory:
    """The directory that Envoy watches, one directory in it for each file."""

    def __init__(self, edge_directory: Path) -> None:
        """Make the directories where they are missing; only the owner may read them."""
        self._root = xds_directory(edge_directory)
        for directory in (
            edge_directory,
            self._root,
            *(self._path(name).parent for name in _TYPES),
        ):
            directory.mkdir(mode=0o700, exist_ok=True)

    def read(self, name: str) -> XdsFile | None:
        """Return a file as it stands, or None where there is none that can be read."""
        try:
            value: dict[str, Any] = json.loads(self._path(name).read_bytes())
            resources = [_untyped(resource) for resource in value["resources"]]
            return XdsFile(name, value["version_info"], tuple(resources))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, file: XdsFile) -> None:
        """Put a file in place by one rename, which is what Envoy watches for.

        Mode 0600, because the routes hold the edge token, and the secrets the certificate's key.
        Raises `OSError`.
        """
        write_atomically(self._path(file.name), file.content(), mode=0o600)

    def _path(self, name: str) -> Path:
        return self._root / name.removesuffix(".json") / name


def xds_directory(edge_directory: Path) -> Path:
    """Return where below the edge's directory the watched files stand."""
    return edge_directory / "xds"


def _untyped(resource: JsonObject) -> JsonObject:
    return {key: value for key, value in resource.items() if key != "@type"}

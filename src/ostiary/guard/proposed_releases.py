"""Which releases a proposal names."""

from collections.abc import Mapping
from typing import Any

from ostiary.guard.fleet import SERVICE
from ostiary.kernel.errors import UsageError


def releases_in(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the path of each service's release. Raises `UsageError` for an unknown service."""
    releases = {str(name): str(path) for name, path in dict(body.get("releases") or {}).items()}
    for service in releases:
        if service != SERVICE:
            raise UsageError(
                "service_unknown",
                f"There is no service {service}.",
                hint=f"Write --release {SERVICE}=PATH.",
            )
    return releases

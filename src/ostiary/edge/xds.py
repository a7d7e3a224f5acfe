"""The few forms that all of Envoy's configuration shares."""

from typing import Any

JsonObject = dict[str, Any]
"""One message of Envoy's API in its JSON form (protobuf's JSON mapping)."""


def duration(seconds: float) -> str:
    """Return seconds as protobuf's JSON mapping writes a `Duration`, to the millisecond."""
    return f"{seconds:.3f}s"


def socket_address(host: str, port: int) -> JsonObject:
    """Return an `envoy.config.core.v3.Address` of a TCP socket."""
    return {"socket_address": {"address": host, "port_value": port}}

"""The networks that an address belongs to, as far as guessing is counted by them.

An IPv6 subscriber holds a /64 and can use all of it, so that counts as one address does.
"""

import ipaddress
from dataclasses import dataclass

_RANGE_BITS = {4: 24, 6: 48}
_HOST_BITS = {4: 32, 6: 64}


@dataclass(frozen=True, slots=True)
class Networks:
    """`network` is the IPv4 address or the IPv6 /64; `network_range` the /24 or /48 around it.

    Both are empty where the address is not known.
    """

    network: str = ""
    network_range: str = ""


UNKNOWN = Networks()
"""Of an address that is not known."""


def networks_of(address: str) -> Networks:
    """Return the networks of an IP address in text; an IPv4 address in IPv6 counts as IPv4."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or ipaddress.IPv6Address(int(parsed))
    return Networks(
        _network(parsed, _HOST_BITS[parsed.version]), _network(parsed, _RANGE_BITS[parsed.version])
    )


def _network(address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int) -> str:
    # Shifted by hand: `ip_network` takes four times as long, and every sign-in comes here.
    host_bits = address.max_prefixlen - bits
    first = type(address)((int(address) >> host_bits) << host_bits)
    return f"{first}/{bits}"

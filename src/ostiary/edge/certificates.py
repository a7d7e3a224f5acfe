"""A certificate as it is served, and judging whether browsers would accept it."""

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ostiary.edge import tls
from ostiary.edge.xds import JsonObject
from ostiary.kernel.clock import to_rfc3339
from ostiary.kernel.errors import RefusedError

WARNING_DAYS = 14
"""How long before its end a certificate is warned of."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate with its chain and key, as they are served.

    `names` are the DNS names and IP addresses that it is for, `fingerprint` is the SHA-256 of the
    certificate itself in hex.
    """

    chain: str
    key: str = field(repr=False)
    fingerprint: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime

    def secret(self) -> JsonObject:
        """Return the resource by which Envoys get it."""
        return tls.secret(self.chain, self.key)

    def days_left(self, now: datetime) -> int:
        """Return the whole days until it expires, negative when it has."""
        return (self.not_after - now) // timedelta(days=1)


def check_time(certificate: Certificate, now: datetime, where: str) -> None:
    """Raise `RefusedError` where browsers would not accept the certificate now."""
    if now >= certificate.not_after:
        raise _refused(
            "certificate_expired",
            f"The certificate in {where} expired at {to_rfc3339(certificate.not_after)}.",
            "Renew it, and put the new certificate and its key into the same two files.",
        )
    if now < certificate.not_before:
        raise _refused(
            "certificate_not_yet_valid",
            f"The certificate in {where} is valid from {to_rfc3339(certificate.not_before)} on; "
            f"it is {to_rfc3339(now)} now.",
            "Look at this machine's clock, or wait until then.",
        )


def check_host(certificate: Certificate, host: str, where: str) -> None:
    """Raise `RefusedError` where the certificate is for other names (RFC 9525, section 6)."""
    if any(_covers(name, host.lower()) for name in certificate.names):
        return
    others = ", ".join(certificate.names[:5]) or "no name at all"
    raise _refused(
        "certificate_for_another_name",
        f"The certificate in {where} is for {others}, not for {host}, the host of "
        "`edge.public_url`.",
        f"Request one with {host} as a subject alternative name; a common name does not count.",
    )


def _covers(name: str, host: str) -> bool:
    """Return whether a name of a certificate is that of a host; `*` stands for one label."""
    try:
        return ipaddress.ip_address(name) == ipaddress.ip_address(host)
    except ValueError:
        pass
    if name == host:
        return True
    first, _, rest = host.partition(".")
    return name.startswith("*.") and bool(first) and "." in rest and name[2:] == rest


def _refused(code: str, message: str, hint: str) -> RefusedError:
    return RefusedError(code, message, hint=hint)

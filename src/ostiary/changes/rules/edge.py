"""Rules about `[edge]`: addresses, and what is needed for others to come in."""

import ipaddress
import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.kernel.urls import http_parts

_HIGHEST_PORT = 65_535
_IPV6 = 6


def public_url_is_an_issuer(configuration: Configuration) -> Iterator[Finding]:
    """Object to a public address that cannot be an issuer.

    An issuer is an https URL without query and fragment (OpenID Connect Discovery 1.0, section
    3); Ostiary serves it at the root, so it has no path either. Plain http is for loopback only.
    """
    url = configuration.snapshot_settings.edge.public_url
    complaint = None if url is None else _issuer_complaint(url)
    if complaint:
        yield Finding(
            ("edge", "public_url"),
            "public_url_not_an_issuer",
            f"`edge.public_url` {complaint}.",
            'Write scheme and host, for example `public_url = "https://login.example.com"`.',
        )


def _issuer_complaint(url: str) -> str | None:
    parts = http_parts(url)
    if parts is None:
        return "is no http or https URL with a host"
    if parts.username is not None or parts.password is not None:
        return "contains a user name or password"
    if parts.path or parts.query or parts.fragment or url.endswith(("?", "#")):
        return "has a path, a query or a fragment (a slash at the end is one too)"
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        return "uses http, which everyone on the way can read"
    return None


def listen_is_an_address(configuration: Configuration) -> Iterator[Finding]:
    """Object to anything but an IP address with a port; Envoy resolves no names here."""
    listen = configuration.snapshot_settings.edge.listen
    if split_listen(listen) is None:
        yield Finding(
            ("edge", "listen"),
            "listen_not_an_address",
            f'`edge.listen` is "{listen}", which is no IP address with a port.',
            'Write `listen = "127.0.0.1:8000"`, "0.0.0.0:443" for every interface, or '
            '"[::1]:8000" with IPv6.',
        )


def plain_http_stays_on_this_machine(configuration: Configuration) -> Iterator[Finding]:
    """Object to passwords that everyone on the way could read."""
    edge = configuration.snapshot_settings.edge
    address = split_listen(edge.listen)
    if address is None or _is_loopback(address[0]) or edge.certificate or edge.key:
        return
    yield Finding(
        ("edge", "listen"),
        "certificate_missing",
        f"`edge.listen` is {edge.listen}, which others can reach, but without a certificate "
        "everyone on the way could read passwords.",
        "Add `certificate` and `key` to `[edge]`. Where a proxy on this machine ends TLS, listen "
        'on loopback: `listen = "127.0.0.1:8000"`.',
    )


def certificate_and_key_come_together(configuration: Configuration) -> Iterator[Finding]:
    """Object to one of both, and to a certificate without the name that it is for."""
    edge = configuration.snapshot_settings.edge
    if (edge.certificate is None) != (edge.key is None):
        there, missing = ("certificate", "key") if edge.certificate else ("key", "certificate")
        yield Finding(
            ("edge", there),
            f"{missing}_missing",
            f"`edge.{there}` is set, but `edge.{missing}` is not.",
            f'Add the path of the {missing}, for example `{missing} = "{missing}.pem"`.',
        )
    elif edge.certificate and not (edge.public_url or "").startswith("https://"):
        now = "is not set" if edge.public_url is None else f"is {edge.public_url}"
        yield Finding(
            ("edge", "certificate"),
            "public_url_not_https",
            f"`edge.certificate` is set, but `edge.public_url` {now}; the certificate has to be "
            "for the host of a public https address.",
            'Write for example `public_url = "https://login.example.com"`.',
        )


def a_trusted_proxy_can_be_there(configuration: Configuration) -> Iterator[Finding]:
    """Object to trust in a proxy where anybody could be at its place."""
    edge = configuration.snapshot_settings.edge
    address = split_listen(edge.listen)
    if not edge.trust_proxy or address is None:
        return
    by_https = (edge.public_url or "").startswith("https://")
    if edge.certificate or not by_https or not _is_loopback(address[0]):
        yield Finding(
            ("edge", "trust_proxy"),
            "trust_proxy_without_proxy",
            "`edge.trust_proxy` is true, but no proxy on this machine ends TLS here: that needs "
            "`listen` on loopback, no `certificate`, and an https `public_url`.",
            "Remove `trust_proxy`; otherwise clients could write any address they like.",
        )


def status_url_is_a_link(configuration: Configuration) -> Iterator[Finding]:
    """Object to a status page that a browser could not open, or must not (`javascript:`)."""
    url = configuration.snapshot_settings.edge.status_url
    if url and http_parts(url) is None:
        yield Finding(
            ("edge", "status_url"),
            "status_url_not_a_link",
            "`edge.status_url` is no http or https URL with a host.",
            'Write for example `status_url = "https://status.example.com"`.',
        )


def split_listen(listen: str) -> tuple[str, int] | None:
    """Return address and port of `listen`; None where it is something else."""
    host, colon, port = listen.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= _HIGHEST_PORT:
        return None
    bracketed = host.startswith("[") and host.endswith("]")
    try:
        address = ipaddress.ip_address(host[1:-1] if bracketed else host)
    except ValueError:
        return None
    # Without brackets nobody can tell where an IPv6 address ends (RFC 3986, section 3.2.2).
    if bracketed != (address.version == _IPV6) or "%" in host:
        return None
    return str(address), int(port)


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

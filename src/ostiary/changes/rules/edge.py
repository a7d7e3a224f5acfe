"""Rules about `[edge]`: addresses."""

import ipaddress
import re
from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding


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
    parts = _split_http_url(url)
    if parts is None:
        return "is no http or https URL with a host"
    if parts.username is not None or parts.password is not None:
        return "contains a user name or password"
    if parts.path or parts.query or parts.fragment or url.endswith(("?", "#")):
        return "has a path, a query or a fragment (a slash at the end is one too)"
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        return "uses http, which everyone on the way can read"
    return None


def public_url_is_known(configuration: Configuration) -> Iterator[Finding]:
    """Object to listening for others without saying under which address they see Ostiary."""
    edge = configuration.snapshot_settings.edge
    if edge.public_url is None and not _is_loopback(edge.listen_host):
        yield Finding(
            ("edge", "listen_host"),
            "public_url_missing",
            f"`edge.listen_host` is {edge.listen_host}, but no `edge.public_url` says what "
            "address users see; it becomes the issuer of all tokens.",
            'Add for example `public_url = "https://login.example.com"` to `[edge]`.',
        )


def listen_host_is_an_address(configuration: Configuration) -> Iterator[Finding]:
    """Object to a host name where Envoy needs an IP address."""
    host = configuration.snapshot_settings.edge.listen_host
    try:
        ipaddress.ip_address(host)
    except ValueError:
        yield Finding(
            ("edge", "listen_host"),
            "listen_host_not_an_address",
            f'`edge.listen_host` is "{host}", which is no IP address.',
            'Write `listen_host = "127.0.0.1"`, or "0.0.0.0" for every interface.',
        )


def status_url_is_a_link(configuration: Configuration) -> Iterator[Finding]:
    """Object to a status page that a browser could not open, or must not (`javascript:`)."""
    url = configuration.snapshot_settings.edge.status_url
    if url and _split_http_url(url) is None:
        yield Finding(
            ("edge", "status_url"),
            "status_url_not_a_link",
            "`edge.status_url` is no http or https URL with a host.",
            'Write for example `status_url = "https://status.example.com"`.',
        )


def _split_http_url(url: str) -> SplitResult | None:
    """Return the parts of an http or https URL with a host; None for anything else."""
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number shows only when it is read
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""The part of the composition root that makes the edge's place of its settings."""

import ipaddress
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from ostiary.changes.edge_settings import EdgeSettings
from ostiary.changes.rules.edge import split_listen
from ostiary.edge.certificate_files import CertificateFiles
from ostiary.edge.certificate_pin import pinned_context
from ostiary.edge.entrance import ClientLimits, Entrance
from ostiary.edge.model import EdgePlace
from ostiary.guard.certificate_watch import CertificateWatch, Chosen, choose_certificate
from ostiary.kernel.errors import UsageError
from ostiary.watch.relying_party.connections import KeptConnections


def listening(settings: EdgeSettings, port: int | None) -> tuple[str, int]:
    """Return the address and port of the edge; a given port counts more than that of `listen`."""
    address = split_listen(settings.listen)
    if address is None:
        # Only a snapshot that another version made can hold such a thing.
        raise UsageError(
            "listen_not_an_address",
            f'`edge.listen` of the last good snapshot is "{settings.listen}".',
            hint='Write `listen = "127.0.0.1:8000"` into a settings file, and `ostiary up` '
            "with --config.",
        )
    host, default = address
    return host, port or default


def own_url(settings: EdgeSettings, port: int | None) -> str:
    """Return the edge's address as somebody on this machine reaches it."""
    host, number = listening(settings, port)
    address = ipaddress.ip_address(host)
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"  # noqa: PLR2004 - of IPv4
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{number}"


def place(
    settings: EdgeSettings, port: int | None, directory: Path, *, edge_token: str, envoy: Path
) -> EdgePlace:
    """Return where the edge runs, and with what."""
    host, number = listening(settings, port)
    return EdgePlace(
        directory=directory,
        listen_host=host,
        listen_port=number,
        edge_token=edge_token,
        envoy_path=envoy,
        entrance=entrance(settings),
    )


def entrance(settings: EdgeSettings) -> Entrance:
    """Return what clients meet at the edge."""
    return Entrance(
        tls=settings.certificate is not None,
        https=(settings.public_url or "").startswith("https://"),
        trusts_proxy=settings.trust_proxy,
        limits=ClientLimits(connections=settings.connections_max),
    )


def certificate_files(settings: EdgeSettings) -> CertificateFiles | None:
    """Return the files that an operator keeps new; None where the edge speaks plain HTTP."""
    if settings.certificate is None or settings.key is None:
        return None
    host = urlsplit(settings.public_url or "").hostname or ""
    return CertificateFiles(Path(settings.certificate), Path(settings.key), host)


def choose(
    settings: EdgeSettings, edge_directory: Path, now: datetime, *, running: bool
) -> Chosen | None:
    """Return the certificate to start with, None for plain HTTP; see `choose_certificate`."""
    files = certificate_files(settings)
    if files is None:
        return None
    return choose_certificate(files, edge_directory, now, running=running)


class EdgeTransport:
    """Makes connections to the edge for the guard's own journeys."""

    def __init__(self, issuer: str, watch: CertificateWatch | None) -> None:
        self._host = urlsplit(issuer).hostname or ""
        self._watch = watch

    def __call__(self) -> httpx.AsyncBaseTransport:
        """Return a transport that knows the edge by its certificate, where it has one."""
        watch = self._watch
        if watch is None:
            return KeptConnections()
        # Asked for each connection: the certificate may be replaced in the middle of a journey.
        return KeptConnections(tls=lambda: pinned_context(watch.trusted()), server_name=self._host)

"""How the public address is written: letter by letter as browsers send it.

Applications compare the issuer letter by letter (RFC 9207, section 2.4), and cookies belong to the
host that the browser shows. Browsers write hosts in small letters and leave the usual port out (URL
standard, "URL serializing"), so any other form of the same address would be another issuer.
"""

from collections.abc import Iterator
from urllib.parse import SplitResult, urlsplit

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding

_USUAL_PORTS = {"http": 80, "https": 443}


def public_url_is_written_as_browsers_do(configuration: Configuration) -> Iterator[Finding]:
    """Object to capital letters, other alphabets and the usual port in the public address."""
    url = configuration.snapshot_settings.edge.public_url
    usual = None if url is None else _as_browsers_write(url)
    if usual is not None and usual != url:
        yield Finding(
            ("edge", "public_url"),
            "public_url_unusual",
            f"`edge.public_url` is not written as browsers write it, so that cookies, tokens and "
            f"applications would not agree about `{url}`.",
            f'Write `public_url = "{usual}"`.',
        )


def _as_browsers_write(url: str) -> str | None:
    """Return the address in its usual form; None for what is no issuer anyway."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        return None
    if not host or parts.scheme not in _USUAL_PORTS or _has_more(url, parts):
        return None
    try:
        host = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return None
    host = f"[{host}]" if ":" in host else host
    written = f":{port}" if port not in (None, _USUAL_PORTS[parts.scheme]) else ""
    return f"{parts.scheme}://{host}{written}"


def _has_more(url: str, parts: SplitResult) -> bool:
    return "@" in parts.netloc or url.partition("://")[2] != parts.netloc

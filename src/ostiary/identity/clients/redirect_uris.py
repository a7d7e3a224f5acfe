"""Redirect addresses: which may be registered, and which requested one is registered.

Requests are compared as text, character by character (RFC 9700, section 2.1). The one exception
is RFC 8252, section 7.3: a native application cannot know its port in advance, so for public
clients the port of a registered loopback *address* is free. `localhost` is a name, which a
resolver may point elsewhere (section 8.3): it is registrable, but with its exact port.
"""

from collections.abc import Iterable
from urllib.parse import SplitResult, urlsplit

URI_CHARACTERS_MAX = 2000
_LOOPBACK_ADDRESSES = frozenset({"127.0.0.1", "::1"})
_LOOPBACK_HOSTS = _LOOPBACK_ADDRESSES | {"localhost"}
_UNSAFE = frozenset(" \"'<>\\^`{|}*")


def reason_not_to_register(uri: str) -> str | None:
    """Return why an address must not be registered, or None when it may be."""
    if not 0 < len(uri) <= URI_CHARACTERS_MAX:
        return f"it must have 1 to {URI_CHARACTERS_MAX} characters"
    if not uri.isascii() or not uri.isprintable() or _UNSAFE.intersection(uri):
        return "it holds characters that a URI must not hold unencoded"
    if "#" in uri:
        return "it has a fragment (RFC 6749, section 3.1.2)"
    parts = _split(uri)
    if parts is None or not parts.hostname or "@" in parts.netloc:
        return "it is not an absolute URI with a host and no user name"
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK_HOSTS):
        return None
    return "it must start with https://, or with http:// and a loopback host"


def is_registered(requested: str, registered: Iterable[str], *, any_loopback_port: bool) -> bool:
    """Return whether a requested address is one of the registered ones.

    `any_loopback_port` is for public clients; see the module.
    """
    known = tuple(registered)
    if requested in known:
        return True
    if not any_loopback_port:
        return False
    portless = _without_loopback_port(requested)
    return portless is not None and portless in map(_without_loopback_port, known)


def _without_loopback_port(uri: str) -> SplitResult | None:
    """Return the parts of an http loopback address without its port; None for anything else."""
    parts = _split(uri)
    if parts is None or parts.scheme != "http" or parts.hostname not in _LOOPBACK_ADDRESSES:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    port = "" if parts.port is None else f":{parts.port}"
    # What is left out must have been nothing but this port: no user name, no other spelling.
    if parts.netloc != host + port or not uri.startswith(f"http://{host}{port}"):
        return None
    if reason_not_to_register(uri) is not None:
        return None
    return parts._replace(netloc=host)


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return None
    return parts

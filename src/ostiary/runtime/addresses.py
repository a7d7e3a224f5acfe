"""Addresses of members that somebody else runs, as they stand in settings."""

_PORTS = range(1, 65_536)
_PORT_DIGITS_MAX = 5


def read_address(address: str) -> tuple[str, int]:
    """Return host and port of `10.0.0.1:3000` or `[::1]:3000`.

    Raises `ValueError` with what is wrong, as the end of a sentence.
    """
    host, colon, port = address.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not host or ("]" in port):
        raise ValueError("which has no port")
    if not (port.isascii() and port.isdigit() and len(port) <= _PORT_DIGITS_MAX):
        raise ValueError("whose port is no number")
    if int(port) not in _PORTS:
        raise ValueError("whose port is not from 1 to 65535")
    if ":" in host and not bracketed:
        raise ValueError("of which nobody can tell where the port begins")
    return (host[1:-1] if bracketed else host), int(port)

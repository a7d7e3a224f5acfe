"""The forms that names, addresses and ports of the edge must have, and the refusal of others."""

import ipaddress
import re

from ostiary.kernel.errors import RefusedError

_HIGHEST_PORT = 65_535

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""What may go into a path, a header and a regular expression."""

VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]{0,99}")
TOKEN = re.compile(r"[A-Za-z0-9_.~-]+")
URL = re.compile(r"https?://[^\s\"'<>\\]+")


def check_text(text: str, form: re.Pattern[str], what: str) -> None:
    """Raise `RefusedError` where the text is not of the form."""
    if not form.fullmatch(text):
        raise refused(
            f"The {what} is {text[:80]!r}.",
            "Use letters, digits, dots, dashes and underscores, at most 64 of them.",
        )


def check_host(host: str, where: str) -> None:
    """Raise `RefusedError` where the host is no IP address; Envoy resolves no names here."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        raise refused(
            f"The host of {where} is {host[:80]!r}, which is no IP address.",
            "Write one, such as 127.0.0.1.",
        ) from None


def check_port(port: int, where: str) -> None:
    """Raise `RefusedError` where there can be no such port."""
    if not 1 <= port <= _HIGHEST_PORT:
        raise refused(f"The port of {where} is {port}.", f"Write one from 1 to {_HIGHEST_PORT}.")


def check_share(share: float) -> None:
    """Raise `RefusedError` where a canary cannot get such a share of first attempts."""
    if not 0.0 <= share <= 1.0:
        raise refused(
            f"The canary's share is {share}.", "Write a number from 0 to 1, such as 0.05."
        )


def refused(message: str, hint: str) -> RefusedError:
    """Return the refusal of a model with what is wrong and what to write."""
    return RefusedError("bad_edge_model", message, hint=hint)

"""Where a person goes after a form, without letting anybody else decide it.

An address that leads elsewhere would lend this site's name to a forgery (RFC 9700, section 4.11),
so only paths on this host are accepted.
"""

import unicodedata
from urllib.parse import parse_qs, quote, urlsplit

DEFAULT_PATH = "/demo"
"""Where people go who came from nowhere."""

AUTHORIZE_PATH = "/oauth2/authorize"
"""The page that sends people on to an application, at an address of the application's."""

_LENGTH_MAX = 16 * 1024
_PRINTABLE_ASCII = "".join(chr(code) for code in range(0x21, 0x7F))
_SCRIPT_SCHEMES = frozenset({"javascript", "data", "vbscript", "blob", "filesystem", "about"})


def local_path(text: str | None) -> str:
    """Return `text` when it is a path on this host, ready for a `Location` header; else `/demo`.

    Refused are two slashes at the start and a backslash anywhere, since browsers read either as
    the beginning of another host, and control characters, which browsers drop before they parse.
    """
    if text is None or len(text) > _LENGTH_MAX or not text.startswith("/"):
        return DEFAULT_PATH
    if text.startswith("//") or "\\" in text:
        return DEFAULT_PATH
    if any(unicodedata.category(character)[0] in "CZ" and character != " " for character in text):
        return DEFAULT_PATH
    path = quote(text, safe=_PRINTABLE_ASCII)
    return path if len(path) <= _LENGTH_MAX else DEFAULT_PATH


def form_action(path: str) -> str:
    """Return the `form-action` sources of a page whose form leads to `path`.

    Browsers built on Chromium apply `form-action` to every redirect that follows a form, also to
    those inside the application that the person came from. Only the schemes can be known then:
    https, and that of the redirect URI. Forms that lead nowhere else may submit to this host only.
    """
    parts = urlsplit(path)
    if parts.path != AUTHORIZE_PATH:
        return "'self'"
    schemes = {"https"}
    for redirect_uri in parse_qs(parts.query).get("redirect_uri", [])[:1]:
        scheme = _scheme(redirect_uri)
        if scheme is not None:
            schemes.add(scheme)
    return " ".join(["'self'", *(f"{scheme}:" for scheme in sorted(schemes))])


def _scheme(uri: str) -> str | None:
    scheme, colon, _ = uri.partition(":")
    scheme = scheme.lower()
    known = scheme.isascii() and scheme[:1].isalpha() and scheme not in _SCRIPT_SCHEMES
    if not colon or not known:
        return None
    return scheme if all(c.isalnum() or c in "+-." for c in scheme) else None

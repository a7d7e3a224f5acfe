"""The cookies of one device at one site (RFC 6265, section 5), as far as a login needs them.

The site is the issuer, whatever port the requests really go to. So `Secure` cookies of an issuer
on https are kept, although a rehearsal reaches the replica over plain http on loopback.
"""

from collections.abc import Iterable
from http.cookies import CookieError, Morsel, SimpleCookie


class CookieJar:
    """Names and values by path; a cookie that has expired is dropped when it is set."""

    def __init__(self) -> None:
        """Start as a device that was never here."""
        self._cookies: dict[tuple[str, str], str] = {}

    def __len__(self) -> int:
        return len(self._cookies)

    def clear(self) -> None:
        """Forget everything, as a new device or a private window does."""
        self._cookies.clear()

    def copy(self) -> "CookieJar":
        """Return a jar with the same cookies, as a thief of the device would have it."""
        other = CookieJar()
        other._cookies = dict(self._cookies)
        return other

    def store(self, headers: Iterable[str]) -> None:
        """Take the values of an answer's `Set-Cookie` headers; unreadable ones are ignored."""
        for header in headers:
            parsed: SimpleCookie = SimpleCookie()
            try:
                parsed.load(header)
            except CookieError:
                continue
            for morsel in parsed.values():
                self._store_one(morsel)

    def header(self, path: str) -> str:
        """Return the `Cookie` header for a path, longest paths first; empty where there is none."""
        fitting = [key for key in self._cookies if _path_matches(path, key[1])]
        fitting.sort(key=lambda key: -len(key[1]))
        return "; ".join(f"{key[0]}={self._cookies[key]}" for key in fitting)

    def _store_one(self, morsel: "Morsel[str]") -> None:
        path = morsel["path"]
        key = (morsel.key, path if path.startswith("/") else "/")
        if _is_expired(morsel):
            self._cookies.pop(key, None)
        else:
            self._cookies[key] = morsel.coded_value


def _is_expired(morsel: "Morsel[str]") -> bool:
    """Return whether a cookie is being deleted: Max-Age not positive, or Expires at the epoch.

    Only the epoch is recognised in `Expires`: it is what servers write to delete a cookie.
    """
    max_age = str(morsel["max-age"])
    if max_age:
        return max_age.startswith("-") or max_age.strip("0") == ""
    return "1970" in str(morsel["expires"])


def _path_matches(path: str, cookie_path: str) -> bool:
    """Return whether a request path lies below a cookie's path (RFC 6265, section 5.1.4)."""
    if path == cookie_path:
        return True
    return path.startswith(cookie_path if cookie_path.endswith("/") else f"{cookie_path}/")

"""Forms are accepted only from pages that this site gave to this browser.

A signed double submit: every form carries a token made of the browser's own cookie and a secret
that all replicas share. Another site can make a browser send its cookie, but knows no token for
it. Where browsers say which site a form comes from, that is checked as well.

The token's form is shared by all releases: a page of one is submitted to another.
"""

import base64
import hashlib
import hmac
import re
from urllib.parse import urlsplit

import falcon

from ostiary.identity.sessions.cookies import BROWSER_COOKIE
from ostiary.kernel.ids import Random

FIELD = "csrf_token"
"""Name of the hidden input."""

SECRET_NAME = "csrf"  # noqa: S105 - the name of a secret, not the secret
"""Name of the shared secret in the store."""

_BROWSER_BYTES = 24
_NEW_NAME = "browser_named_now"
_BROWSER = re.compile(r"[A-Za-z0-9_-]{32,64}")
_SAME_ORIGIN_SITES = frozenset({"same-origin", "none"})


class Csrf:
    """Gives forms their token and checks it."""

    def __init__(self, secret: bytes, *, issuer: str, rng: Random) -> None:
        self._secret = secret
        self._issuer_host = urlsplit(issuer).netloc.lower()
        self._rng = rng

    def token(self, request: falcon.Request, response: falcon.Response, *, bound_to: str) -> str:
        """Return the token for a form; name the browser by a cookie if it has none yet.

        `bound_to` is what the form acts on beside the browser: a session's hash, or nothing.
        """
        return self._sign(self.browser(request, response), bound_to)

    def browser(self, request: falcon.Request, response: falcon.Response | None) -> str:
        """Return the browser's name; give it one by a cookie if it has none yet.

        Without a response the new name is for this request only.
        """
        name = _browser(request) or getattr(request.context, _NEW_NAME, None)
        if name is None:
            name = self._rng.token(_BROWSER_BYTES)
            if response is not None:
                setattr(request.context, _NEW_NAME, name)
                BROWSER_COOKIE.set_(request, response, name)
        return str(name)

    def is_genuine(self, request: falcon.Request, form: dict[str, str], *, bound_to: str) -> bool:
        """Return whether a submitted form is from a page of ours in this browser."""
        browser = _browser(request)
        if browser is None or not self._is_from_here(request):
            return False
        expected = self._sign(browser, bound_to)
        return hmac.compare_digest(form.get(FIELD, "").encode(), expected.encode())

    def _is_from_here(self, request: falcon.Request) -> bool:
        """Return False when the browser itself says that another site sent the form."""
        site = request.get_header("sec-fetch-site")
        if site is not None and site not in _SAME_ORIGIN_SITES:
            return False
        origin = request.get_header("origin")
        if origin is None:
            return True
        # Browsers set both headers themselves. A host that only this request names is fine, too:
        # one machine is reached as localhost and by its address.
        own = {self._issuer_host, (request.get_header("host") or "").lower()}
        return urlsplit(origin.lower()).netloc in own - {""}

    def _sign(self, browser: str, bound_to: str) -> str:
        message = f"{SECRET_NAME}\0{browser}\0{bound_to}".encode()
        digest = hmac.new(self._secret, message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _browser(request: falcon.Request) -> str | None:
    value = BROWSER_COOKIE.read(request)
    return value if value is not None and _BROWSER.fullmatch(value) else None

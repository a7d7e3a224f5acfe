"""The authorization endpoint of the small provider."""

import secrets
from urllib.parse import quote, urlencode

from tests.unit.watch.small_provider.store import Client, Code, User
from tests.unit.watch.small_provider.wire import Request, Response

LAX_ADDRESSES = {
    "redirect_prefix_match": lambda own, asked: asked.startswith(own),
    "redirect_prefix_of_own": lambda own, asked: asked and own.startswith(asked),
    "redirect_host_match": lambda own, asked: host(own) == host(asked),
    "redirect_host_suffix": lambda own, asked: host(asked).endswith(host(own)),
    "redirect_case_ignored": lambda own, asked: own.lower() == asked.lower(),
    "redirect_stripped": lambda own, asked: own == asked.strip().partition("#")[0],
    "redirect_contained": lambda own, asked: own in asked,
}
"""Comparisons of addresses that services have made, by the name of the fault."""


def host(uri: str) -> str:
    """Return the host as a careless parser finds it: up to the first slash, colon or `@`."""
    rest = uri.partition("://")[2]
    for end in "/:@?#":
        rest = rest.partition(end)[0]
    return rest.lower()


class Authorization:
    """Gives codes to browsers with a session."""

    def __init__(self, provider) -> None:
        self.provider = provider
        self.store = provider.store
        self.has = provider.has

    def answer(self, request: Request) -> Response:
        query = request.query
        if request.repeats and not self.has("last_parameter_wins"):
            return Response.page(400, "invalid_request", "repeated")
        client = self.store.clients.get(query.get("client_id", ""))
        if client is None and not self.has("unknown_client_redirected"):
            return self.provider.error_page(400, "invalid_client", "unknown client")
        address = query.get("redirect_uri", "")
        lax = self.has("last_parameter_wins") and request.repeats
        if client is not None and not lax and not self._address_allowed(client, address):
            return Response.page(400, "invalid_request", "unknown address")
        refused = self._refusal(query, client)
        if refused:
            return self._back(query, {"error": refused}, refused)
        user = self.provider.user_of_session(request)
        if user is None or query.get("prompt") == "login":
            # Whoever has just signed in is not asked once more.
            asked = {name: value for name, value in query.items() if name != "prompt"}
            back_to = quote(f"/oauth2/authorize?{urlencode(asked)}", safe="")
            return Response.redirect(f"/sign-in?return_to={back_to}", "login_required")
        session = request.cookies.get("sid", "")
        return self._back(query, self._granted(query, user, session), "ok")

    def _refusal(self, query: dict[str, str], client: Client | None) -> str:
        if client is not None and "authorization_code" not in client.grants:
            return "unauthorized_client"
        if query.get("response_type") != "code" and not self.has("implicit"):
            return "unsupported_response_type"
        challenge, method = query.get("code_challenge"), query.get("code_challenge_method")
        if not challenge:
            return "" if self.has("pkce_optional") else "invalid_request"
        plain_allowed = self.has("accepts_plain_pkce")
        return "" if method == "S256" or plain_allowed else "invalid_request"

    def _granted(self, query: dict[str, str], user: User, session: str) -> dict[str, str]:
        if query.get("response_type") == "token":
            return {"access_token": "x" * 40}
        code = secrets.token_urlsafe(16)
        self.store.codes[code] = Code(
            query["client_id"],
            user.id,
            query.get("redirect_uri", ""),
            query.get("nonce", ""),
            query.get("code_challenge", ""),
            query.get("scope", ""),
            session,
        )
        return {"code": code}

    def _back(self, query: dict[str, str], told: dict[str, str], outcome: str) -> Response:
        told = {**told, "state": query.get("state", ""), "iss": self.provider.issuer}
        if self.has("drops_iss_in_errors") and "error" in told:
            told.pop("iss")
        for fault, name in (("drops_state", "state"), ("drops_iss", "iss")):
            if self.has(fault):
                told.pop(name, None)
        mark = "#" if "access_token" in told else "?"
        return Response.redirect(f"{query.get('redirect_uri', '')}{mark}{urlencode(told)}", outcome)

    def _address_allowed(self, client: Client, address: str) -> bool:
        for fault, compare in LAX_ADDRESSES.items():
            if self.has(fault):
                return any(compare(own, address) for own in client.redirect_uris)
        return self.has("open_redirect") or address in client.redirect_uris

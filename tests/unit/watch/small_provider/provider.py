"""One replica of the small provider: routing, pages, and the mistakes it can be told to make."""

import html
import secrets
from urllib.parse import quote, urlencode

from tests.unit.watch.small_provider.admin import admin_answer
from tests.unit.watch.small_provider.store import Client, Code, Store, User
from tests.unit.watch.small_provider.tokens import TokenRoutes
from tests.unit.watch.small_provider.wire import HttpServer, Request, Response

ADMIN_TOKEN = "admin-secret"
DROP = object()


class SmallProvider:
    """A replica; several may share a store, an issuer, and differ in snapshot and faults."""

    def __init__(
        self,
        store: Store,
        *,
        issuer="",
        snapshot="s-good",
        faults=(),
        before=lambda _request: None,
    ):
        """`before` sees every request; it may wait, or return DROP to hang up."""
        self.store = store
        self.snapshot = snapshot
        self.faults = set(faults)
        self.requests = 0
        self.before = before
        self.hosts: set[str] = set()
        self.server = HttpServer(self.answer)
        self.url = self.server.url
        self.issuer = issuer or self.url
        self.kid, self.key = store.key_of(snapshot)
        self.tokens = TokenRoutes(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.close()

    def has(self, fault: str) -> bool:
        return fault in self.faults

    def answer(self, request: Request) -> Response | None:
        self.requests += 1
        self.hosts.add(request.headers.get("host", ""))
        if self.before(request) is DROP:
            return None
        response = self._route(request)
        if not self.has("no_outcome_header"):
            word = "splendid" if self.has("invented_outcome") else response.outcome
            response.headers.append(("x-auth-outcome", f"{self.snapshot}/{word}"))
        response.headers.append(("x-request-id", f"r-{self.requests}"))
        return response

    def _route(self, request: Request) -> Response:
        routes = {
            ("GET", "/.well-known/openid-configuration"): self._discovery,
            ("GET", "/oauth2/jwks"): self._jwks,
            ("GET", "/oauth2/authorize"): self._authorize,
            ("GET", "/sign-in"): self._sign_in_page,
            ("POST", "/sign-in"): self._sign_in,
            ("GET", "/sign-up"): self._sign_up_page,
            ("POST", "/sign-up"): self._sign_up,
            ("GET", "/sign-out"): self._sign_out_page,
            ("POST", "/sign-out"): self._sign_out,
            ("GET", "/oauth2/end-session"): self._end_session,
            ("POST", "/oauth2/token"): self.tokens.token,
            ("GET", "/oauth2/userinfo"): self.tokens.userinfo,
            ("POST", "/oauth2/introspect"): self.tokens.introspect,
            ("POST", "/ofrep/v1/evaluate/flags"): self.tokens.flags,
        }
        if request.path.startswith("/admin/"):
            return admin_answer(self.store, request, ADMIN_TOKEN)
        route = routes.get((request.method, request.path))
        if route is None:
            return Response.page(404, "not_found", "not here")
        with self.store.lock:
            return route(request)

    def _discovery(self, _request):
        at = self.issuer
        document = {
            "issuer": at + "/" if self.has("wrong_issuer") else at,
            "authorization_endpoint": f"{at}/oauth2/authorize",
            "token_endpoint": f"{at}/oauth2/token",
            "userinfo_endpoint": f"{at}/oauth2/userinfo",
            "introspection_endpoint": f"{at}/oauth2/introspect",
            "end_session_endpoint": f"{at}/oauth2/end-session",
            "jwks_uri": f"{at}/oauth2/jwks",
            "id_token_signing_alg_values_supported": [
                "RS256" if self.has("unlisted_algorithm") else "ES256"
            ],
            "code_challenge_methods_supported": ["plain" if self.has("plain_pkce") else "S256"],
        }
        return Response.of_json(200, "ok", document)

    def _jwks(self, _request):
        keys = self.store.keys
        if self.has("own_key_only"):
            keys = {self.kid: self.key}
        if self.has("no_keys"):
            keys = {}
        private = self.has("private_keys")
        entries = [{**key.as_dict(private=private), "kid": kid} for kid, key in keys.items()]
        return Response.of_json(200, "ok", {"keys": entries})

    def _authorize(self, request):
        query = request.query
        client = self.store.clients.get(query.get("client_id", ""))
        if client is None and not self.has("unknown_client_redirected"):
            return Response.page(400, "invalid_client", "unknown client")
        address = query.get("redirect_uri", "")
        if client is not None and not self._address_allowed(client, address):
            return Response.page(400, "invalid_request", "unknown address")
        back = {"state": query.get("state", ""), "iss": self.issuer}
        if not query.get("code_challenge") and not self.has("pkce_optional"):
            refused = {"error": "invalid_request", **back}
            return Response.redirect(f"{address}?{urlencode(refused)}", "invalid_request")
        user = self._user_of_session(request)
        if user is None:
            back_to = quote(f"/oauth2/authorize?{urlencode(query)}", safe="")
            return Response.redirect(f"/sign-in?return_to={back_to}", "login_required")
        code = secrets.token_urlsafe(16)
        self.store.codes[code] = Code(
            query["client_id"],
            user.id,
            address,
            query.get("nonce", ""),
            query.get("code_challenge", ""),
            query.get("scope", ""),
        )
        granted = {"code": code, **back}
        for fault, name in (("drops_state", "state"), ("drops_iss", "iss")):
            if self.has(fault):
                granted.pop(name)
        return Response.redirect(f"{address}?{urlencode(granted)}")

    def _address_allowed(self, client: Client, address: str) -> bool:
        if self.has("redirect_prefix_match"):
            return any(address.startswith(own) for own in client.redirect_uris)
        return self.has("open_redirect") or address in client.redirect_uris

    def _user_of_session(self, request) -> User | None:
        user = self.store.user_by_id(self.store.sessions.get(request.cookies.get("sid", ""), ""))
        if user is None or (user.disabled and not self.has("disabled_keeps_session")):
            return None
        return user

    def _sign_in_page(self, request, status=200, outcome="ok", message="", action="/sign-in"):
        device = request.cookies.get("device") or secrets.token_hex(8)
        return_to = request.query.get("return_to") or request.form.get("return_to", "/demo")
        page = (
            f"<!doctype html><h1>Sign in</h1><p role=alert>{message}</p>"
            f"<form method='post' action='{action}'>"
            f"<input type=hidden name=csrf_token value='{self.store.csrf_token(device)}'>"
            f"<input type=hidden name=return_to value='{html.escape(return_to)}'>"
            f"<input name=email type=email><input name=password type=password>"
            f"<button>Sign in</button></form>"
        )
        cookie = ("set-cookie", f"device={device}; Path=/; HttpOnly; SameSite=Lax")
        return Response.page(status, outcome, page, cookie)

    def _sign_in(self, request):
        form = request.form
        expected = self.store.csrf_token(request.cookies.get("device", ""))
        if form.get("csrf_token") != expected and not self.has("no_csrf_check"):
            return self._sign_in_page(request, 403, "csrf_failed", "Try again.")
        user = self.store.users.get(form.get("email", ""))
        if self.has("crash") or (user is not None and self._crashes_for(user)):
            return Response.page(500, "internal_error", "oops")
        if user is None and self.has("unknown_user_crashes"):
            return Response.page(500, "internal_error", "oops")
        right = user is not None and user.password == form.get("password")
        if user is not None and self.has("accepts_any_password"):
            right = True
        if self.has("refuses_everybody"):
            right = False
        if not right:
            return self._sign_in_page(request, 200, "bad_credentials", "Wrong.")
        if user.disabled and not self.has("disabled_signs_in"):
            return self._sign_in_page(request, 200, "user_disabled", "Disabled.")
        return self._signed_in(user, form)

    def _signed_in(self, user, form):
        session = secrets.token_urlsafe(16)
        self.store.sessions[session] = user.id
        cookie = ("set-cookie", f"sid={session}; Path=/; HttpOnly; SameSite=Lax")
        if self.has("session_cookie_lost"):
            cookie = ("x-nothing", "here")
        return Response.redirect(form.get("return_to", "/demo"), "ok", cookie)

    def _sign_up_page(self, request, status=200, outcome="ok", message=""):
        if self.has("sign_up_closed"):
            return Response.page(403, "sign_up_closed", "closed")
        if self.has("sign_up_page_crashes"):
            return Response.page(500, "internal_error", "oops")
        return self._sign_in_page(request, status, outcome, message, action="/sign-up")

    def _sign_up(self, request):
        form = request.form
        if form.get("csrf_token") != self.store.csrf_token(request.cookies.get("device", "")):
            return self._sign_up_page(request, 403, "csrf_failed", "Try again.")
        if self.has("sign_up_refuses_everybody"):
            return self._sign_up_page(request, 200, "weak_password", "Weak.")
        email, password = form["email"], form["password"]
        user = self.store.users.get(email)
        if user is not None and not self.has("sign_up_takes_over"):
            told = user.id if self.has("sign_up_tells_whose") else "Taken."
            return self._sign_up_page(request, 200, "already_exists", told)
        if user is None:
            user = User(secrets.token_hex(8), email, password, [], probe=False)
            self.store.users[email] = user
        if self.has("sign_up_crashes"):
            return Response.page(500, "internal_error", "oops")
        if self.has("sign_up_as_another"):
            user = next(iter(self.store.users.values()))
        if self.has("sign_up_spoils_password"):
            user.password = "spoilt"
        if self.has("sign_up_without_session"):
            return Response.redirect("/demo")
        return self._signed_in(user, form)

    def _crashes_for(self, user: User) -> bool:
        return self.has("crashes_for_some") and user.id[0] in "0123456789ab"

    def _sign_out_page(self, request):
        page = "<form method=post action='/sign-out'><button>Sign out</button></form>"
        return Response.page(200, "ok", page)

    def _sign_out(self, request):
        if not self.has("session_survives"):
            self.store.sessions.pop(request.cookies.get("sid", ""), None)
        return Response.redirect("/sign-in", "ok", ("set-cookie", "sid=; Path=/; Max-Age=0"))

    def _end_session(self, request):
        if self.has("end_session_broken"):
            return Response.page(500, "internal_error", "oops")
        return self._sign_out(request)

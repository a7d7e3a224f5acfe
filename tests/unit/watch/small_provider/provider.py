"""One replica of the small provider: routing, pages, and the mistakes it can be told to make."""

import html
import secrets
import time
from urllib.parse import urlsplit

from tests.unit.watch.small_provider.admin import admin_answer
from tests.unit.watch.small_provider.authorize import Authorization
from tests.unit.watch.small_provider.store import NEW_FORMAT, OLD_FORMAT, Store, User, fold
from tests.unit.watch.small_provider.tokens import TokenRoutes
from tests.unit.watch.small_provider.wire import HttpServer, Request, Response

ADMIN_TOKEN = "admin-secret"
HASHING_PATHS = {"/sign-in", "/sign-up", "/admin/users"}
AFTERWARDS = "post_logout_redirect_uri"
UNSAFE_PAGES = {
    "framed_pages": "x-frame-options",
    "kept_pages": "cache-control",
    "leaking_pages": "referrer-policy",
}
"""Which header is missing on the sign-in page, by the name of the fault."""

FLAGS = "/ofrep/v1/evaluate/flags/"
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
        self.authorization = Authorization(self)
        self.current_bearer = ""
        self.busy_for = 0

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
        if self.has("mixes_users") and request.path == "/oauth2/userinfo":
            # One variable for all requests: it holds what the latest one has put there.
            self.current_bearer = request.headers.get("authorization", "")
            time.sleep(0.02)
            request.headers["authorization"] = self.current_bearer
        response = self._busy(request) or self._route(request)
        if not self.has("no_outcome_header"):
            word = "splendid" if self.has("invented_outcome") else response.outcome
            response.headers.append(("x-auth-outcome", f"{self.snapshot}/{word}"))
        response.headers.append(("x-request-id", f"r-{self.requests}"))
        return response

    def _busy(self, request: Request) -> Response | None:
        """Turn a request for a password hash away, as long as the test says."""
        hashing = request.method == "POST" and request.path in HASHING_PATHS
        if not hashing or (self.busy_for <= 0 and not self.has("always_busy")):
            return None
        self.busy_for -= 1
        form = "<form method=post><input name=email><input type=password name=password></form>"
        return Response.page(503, "overloaded", form, ("retry-after", "0"))

    def _route(self, request: Request) -> Response:
        routes = {
            ("GET", "/.well-known/openid-configuration"): self._discovery,
            ("GET", "/oauth2/jwks"): self._jwks,
            ("GET", "/oauth2/authorize"): self.authorization.answer,
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
        if self.has("older_admin_api") and request.path == "/admin/in-use":
            return Response.of_json(404, "not_found", {"error": "not_found"})
        if request.path.startswith("/admin/"):
            return admin_answer(self.store, request, ADMIN_TOKEN, self.faults)
        if request.path == "/favicon.ico":
            told = "XXpublic, max-age=60" if self.has("odd_caching") else "public, max-age=60"
            return Response(204, "ok", b"", [("cache-control", told)])
        if request.path.startswith(FLAGS):
            return self.tokens.flag(request, request.path.removeprefix(FLAGS))
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
        if self.has("drops_next_keys"):
            keys = {kid: key for kid, key in keys.items() if not kid.startswith("k-next")}
        if self.has("swaps_keys"):
            keys = {kid: key if kid == self.kid else self.key for kid, key in keys.items()}
        entries = [{**key.as_dict(private=private), "kid": kid} for kid, key in keys.items()]
        return Response.of_json(200, "ok", {"keys": entries})

    def user_of_session(self, request) -> User | None:
        named = request.cookies.get("sid", "")
        if self.has("session_fixed"):
            named = request.cookies.get("device", "")
        user = self.store.user_by_id(self.store.sessions.get(named, ""))
        if user is None or (user.disabled and not self.has("disabled_keeps_session")):
            return None
        return user

    def _sign_in_page(self, request, status=200, outcome="ok", message="", action="/sign-in"):
        device = request.cookies.get("device") or secrets.token_hex(8)
        return_to = request.query.get("return_to") or request.form.get("return_to", "/demo")
        return_to = self._local(return_to)
        page = (
            f"<!doctype html><h1>Sign in</h1><p role=alert>{message}</p>"
            f"<form method='post' action='{action}'>"
            f"<input type=hidden name=csrf_token value='{self.store.csrf_token(device)}'>"
            f"<input type=hidden name=return_to value='{html.escape(return_to)}'>"
            f"<input name=email type=email><input name=password type=password>"
            f"<button>Sign in</button></form>"
        )
        cookie = ("set-cookie", f"device={device}; Path=/; HttpOnly; SameSite=Lax")
        answer = Response.page(status, outcome, page, cookie)
        for fault, name in UNSAFE_PAGES.items():
            if self.has(fault):
                answer.without(name)
        return answer

    def error_page(self, status, outcome, message):
        answer = Response.page(status, outcome, message)
        return answer.without("x-frame-options") if self.has("framed_errors") else answer

    def _local(self, path: str) -> str:
        """Return a path of this site; `//` would lead to another one."""
        leads_here = path.startswith("/") and not path.startswith("//")
        return path if leads_here or self.has("open_return_to") else "/demo"

    def _sign_in(self, request):
        form = request.form
        expected = self.store.csrf_token(request.cookies.get("device", ""))
        origin = request.headers.get("origin", self.issuer)
        if urlsplit(origin).netloc != urlsplit(self.issuer).netloc and not self.has("any_origin"):
            return self._sign_in_page(request, 403, "csrf_failed", "Try again.")
        if form.get("csrf_token") != expected and not self._takes_csrf(form.get("csrf_token")):
            return self._sign_in_page(request, 403, "csrf_failed", "Try again.")
        user = self._user_named(form.get("email", ""))
        if self._crashes_for(user):
            return Response.page(500, "internal_error", "oops")
        right = user is not None and self._password_fits(user, form.get("password", ""))
        if user is not None and self.has("accepts_any_password"):
            right = True
        if self.has("refuses_everybody"):
            right = False
        if not right:
            return self._sign_in_page(request, 200, "bad_credentials", "Wrong.")
        if user.disabled and not self.has("disabled_signs_in"):
            return self._sign_in_page(request, 200, "user_disabled", "Disabled.")
        return self._signed_in(user, form, request)

    def _takes_csrf(self, token: str | None) -> bool:
        if self.has("csrf_token_optional") and not token:
            return True
        return self.has("no_csrf_check") or (self.has("csrf_token_of_anybody") and len(token) == 64)

    def _user_named(self, email: str) -> User | None:
        if self.has("ascii_names") and not email.isascii():
            return None
        return (
            self.store.users.get(email) if self.has("exact_names") else self.store.user_named(email)
        )

    def _password_fits(self, user: User, password: str) -> bool:
        if self.has("accepts_any_for_old_hash") and user.hash_format == OLD_FORMAT:
            return True
        if self.has("exact_passwords"):
            return user.password == password
        return fold(user.password) == fold(password)

    def _cannot_read(self, hash_format: str) -> bool:
        """Versions differ in what they can read: a renewed hash is for its own version only."""
        if self.has("cannot_read_old_hashes") and hash_format == OLD_FORMAT:
            return True
        return hash_format.startswith("of ") and hash_format != f"of {self.snapshot}"

    def _signed_in(self, user, form, request=None):
        session = secrets.token_urlsafe(16)
        if self.has("session_fixed") and request is not None:
            session = request.cookies.get("device", "")
        if self.has("renews_hashes") and user.hash_format != NEW_FORMAT:
            user.hash_format = f"of {self.snapshot}"
        self.store.sessions[session] = user.id
        address = request.headers.get("x-forwarded-for", "") if request is not None else ""
        if not self.has("notes_no_sign_in"):
            noted = "127.0.0.1" if self.has("takes_edge_for_client") else address
            self.store.audit.insert(
                0, {"operation": "sign_in", "subject": user.email, "client_address": noted}
            )
        if request is not None and not self.has("forgets_replaced_session"):
            for family in self.store.families_of(request.cookies.get("sid", "")):
                family.session = session
        cookie = ("set-cookie", f"sid={session}; Path=/; HttpOnly; SameSite=Lax")
        if self.has("session_cookie_lost"):
            cookie = ("x-nothing", "here")
        status = 307 if self.has("redirects_with_body") else 303
        to = form.get("return_to", "/demo")
        to = to if self.has("follows_the_form") else self._local(to)
        return Response.redirect(to, "ok", cookie, status=status)

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
            if not self.has("writes_no_mails"):
                self.store.mails[email].append("welcome")
        if self.has("sign_up_crashes"):
            return Response.page(500, "internal_error", "oops")
        if self.has("sign_up_as_another"):
            user = next(iter(self.store.users.values()))
        if self.has("sign_up_spoils_password"):
            user.password = "spoilt"
        if self.has("sign_up_without_session"):
            return Response.redirect("/demo")
        return self._signed_in(user, form)

    def _crashes_for(self, user: User | None) -> bool:
        if user is None:
            return self.has("crash") or self.has("unknown_user_crashes")
        some = self.has("crashes_for_some") and user.id[0] in "0123456789ab"
        return self.has("crash") or some or self._cannot_read(user.hash_format)

    def _sign_out_page(self, request):
        page = "<form method=post action='/sign-out'><button>Sign out</button></form>"
        return Response.page(200, "ok", page)

    def _sign_out(self, request):
        session = request.cookies.get("sid", "")
        if not self.has("session_survives"):
            self.store.sessions.pop(session, None)
        if not self.has("grants_survive"):
            for family in self.store.families_of(session):
                family.revoked = True
        return Response.redirect("/sign-in", "ok", ("set-cookie", "sid=; Path=/; Max-Age=0"))

    def _end_session(self, request):
        signed_in = "sid" in request.cookies
        if self.has("end_session_broken") or (self.has("leaves_once") and not signed_in):
            return Response.page(500, "internal_error", "oops")
        hint, wanted = request.query.get("id_token_hint"), request.query.get(AFTERWARDS)
        if wanted and (self.has("open_post_logout") or (hint and self.has("open_with_hint"))):
            return Response.redirect(wanted)
        if not hint:
            return Response.redirect("/sign-out")
        if self.has("refuses_foreign_hints") and not self.tokens.is_own(hint):
            return Response.page(400, "invalid_token", "unknown token")
        left = self._sign_out(request)
        return self._back_to_application(wanted, request) if wanted else left

    def _back_to_application(self, wanted, request):
        if not any(wanted in client.redirect_uris for client in self.store.clients.values()):
            return Response.page(400, "invalid_request", "no")
        if self.has("forgets_the_way_back"):
            return Response.redirect("/sign-in")
        state = "" if self.has("forgets_logout_state") else request.query.get("state", "")
        return Response.redirect(f"{wanted}?state={state}")

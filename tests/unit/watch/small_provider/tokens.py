"""The back channel of the small provider: token, userinfo, introspection."""

import base64
import hashlib
import json
import secrets

from joserfc import jws
from joserfc.errors import JoseError

from tests.unit.watch.small_provider.store import DEFAULT_AUDIENCE, Client, Family, User, now
from tests.unit.watch.small_provider.wire import Request, Response


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


class TokenRoutes:
    """Mints and checks tokens for one replica."""

    def __init__(self, provider) -> None:
        self.provider = provider
        self.store = provider.store
        self.has = provider.has

    def token(self, request: Request) -> Response:
        if self.has("token_endpoint_crashes"):
            return Response.of_json(500, "internal_error", {"error": "server_error"})
        client = self._client(request)
        if client is None:
            return Response.of_json(401, "invalid_client", {"error": "invalid_client"})
        if request.form.get("grant_type") == "client_credentials":
            if self.has("client_credentials_crash"):
                return Response.of_json(500, "internal_error", {"error": "server_error"})
            document = {
                "access_token": self._access_token(client, None),
                "token_type": "Bearer",
                "expires_in": client.access_token_seconds,
            }
            return Response.of_json(200, "ok", document)
        if request.form.get("grant_type") == "refresh_token":
            return self._refresh(client, request.form.get("refresh_token", ""))
        return self._redeem(client, request.form)

    def userinfo(self, request: Request) -> Response:
        if request.bearer is None:
            headers = [] if self.has("no_challenge") else [("www-authenticate", "Bearer")]
            return Response.of_json(401, "no_credentials", {"error": "x"}, *headers)
        user = self._user_of(request.bearer)
        if user is None:
            challenge = ("www-authenticate", 'Bearer error="invalid_token"')
            return Response.of_json(401, "invalid_token", {"error": "invalid_token"}, challenge)
        if self.has("wrong_identity"):
            user = next(iter(self.store.users.values()))
        return Response.of_json(200, "ok", {"sub": user.id, "email": user.email})

    def flags(self, request: Request) -> Response:
        if self.has("no_flags"):
            return Response.of_json(404, "not_found", {"error": "not_found"})
        if self.has("flags_crash"):
            return Response.of_json(500, "internal_error", {"error": "internal_error"})
        if self._user_of(request.bearer or "") is None:
            return Response.of_json(401, "invalid_token", {"error": "invalid_token"})
        flags = ["new"] if self.has("flags_without_keys") else [{"key": "new", "value": True}]
        return Response.of_json(200, "ok", {"flags": flags})

    def introspect(self, request: Request) -> Response:
        client = self._client(request)
        if client is None:
            return Response.of_json(401, "invalid_client", {"error": "invalid_client"})
        user = self._user_of(request.form.get("token", ""))
        if user is None and not self.has("introspect_always_active"):
            return Response.of_json(200, "invalid_token", {"active": False})
        sub = "nobody" if user is None else user.id
        return Response.of_json(200, "ok", {"active": True, "sub": sub})

    def _client(self, request: Request) -> Client | None:
        name, secret = basic_credentials(request)
        client = self.store.clients.get(name)
        if client is None:
            return None
        right = client.secret is None or client.secret == secret
        return client if right or self.has("any_client_secret") else None

    def _redeem(self, client: Client, form: dict[str, str]) -> Response:
        code = self.store.codes.get(form.get("code", ""))
        refused = Response.of_json(400, "invalid_grant", {"error": "invalid_grant"})
        if code is None or code.redirect_uri != form.get("redirect_uri"):
            return refused
        if code.client_id != client.client_id and not self.has("code_of_anybody"):
            return refused
        if code.used_for is not None and not self.has("code_reusable"):
            if not self.has("keeps_family_of_reused_code"):
                self.store.families[code.used_for].revoked = True
            return refused
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if challenge != code.challenge and not self.has("verifier_ignored"):
            return refused
        user = self.store.user_by_id(code.user_id)
        family = secrets.token_hex(8)
        self.store.families[family] = Family(client.client_id, user.id, code.scope)
        code.used_for = family
        return self._granted(client, user, family, code.nonce)

    def _refresh(self, client: Client, token: str) -> Response:
        refused = Response.of_json(400, "invalid_grant", {"error": "invalid_grant"})
        family_id, used = self.store.refresh_tokens.get(token, ("", False))
        family = self.store.families.get(family_id)
        if family is None or family.client_id != client.client_id:
            return refused
        if used and not self.has("refresh_reusable"):
            family.revoked = family.revoked or not self.has("keeps_family_of_reused_refresh")
            return refused
        user = self.store.user_by_id(family.user_id)
        disabled = user is None or (user.disabled and not self.has("disabled_refreshes"))
        if family.revoked or disabled:
            return refused
        self.store.refresh_tokens[token] = (family_id, True)
        return self._granted(client, user, family_id, None, renewed=token)

    def _granted(self, client, user, family, nonce, renewed=None) -> Response:
        refresh = secrets.token_urlsafe(16)
        if renewed is not None and self.has("no_rotation"):
            refresh = renewed
        self.store.refresh_tokens[refresh] = (family, False)
        access = self._access_token(client, user)
        document = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": client.access_token_seconds,
            "refresh_token": refresh,
            "id_token": self._id_token(client, user, nonce, access),
        }
        if self.has("no_refresh_token"):
            document.pop("refresh_token")
        return Response.of_json(200, "ok", document)

    def _audience(self, client: Client) -> str | list[str]:
        if self.has("wrong_audience"):
            return "wrong"
        if self.has("wrong_default_audience") and client.audience == DEFAULT_AUDIENCE:
            return "urn:nobody"
        if self.has("extra_audience"):
            return [client.audience, "urn:others"]
        return client.audience

    def _roles(self, user: User | None) -> list[str]:
        if self.has("roles_for_all"):
            return ["admin"]
        return [] if user is None else user.roles

    def _access_token(self, client: Client, user: User | None) -> str:
        claims = {
            "iss": self.provider.issuer,
            "aud": self._audience(client),
            "sub": client.client_id if user is None else user.id,
            "client_id": "somebody" if self.has("wrong_client_id") else client.client_id,
            "scope": "openid",
            "roles": self._roles(user),
            "jti": secrets.token_hex(8),
            "iat": now(),
            "exp": now() + client.access_token_seconds,
        }
        if self.has("one_subject_for_all"):
            claims["sub"] = "same"
        if self.has("expires_in_a_year"):
            claims["exp"] += 31_536_000
        if self.has("issued_in_the_future"):
            claims["iat"] += 120
            claims["exp"] += 120
        if self.has("issued_long_ago"):
            claims["iat"] -= 200
            claims["exp"] -= 200
        return self._sign(claims, "JWT" if self.has("wrong_type") else "at+jwt")

    def _id_token(self, client: Client, user: User, nonce: str | None, access: str) -> str:
        claims = {
            "iss": self.provider.issuer,
            "aud": client.client_id,
            "sub": user.id,
            "email": user.email,
            "iat": now(),
            "exp": now() + 300,
            "at_hash": b64(hashlib.sha256(access.encode()).digest()[:16]),
        }
        if nonce is not None and not self.has("drops_nonce"):
            claims["nonce"] = nonce
        if self.has("wrong_authorized_party"):
            claims["azp"] = "somebody"
        if self.has("id_token_of_a_year"):
            claims["exp"] += 31_536_000
        if self.has("wrong_at_hash"):
            claims["at_hash"] = "x"
        return self._sign(claims, "JWT")

    def _sign(self, claims: dict, kind: str) -> str:
        kid = "k-unpublished" if self.has("unknown_kid") else self.provider.kid
        header = {"alg": "ES256", "typ": kind, "kid": kid}
        key = self.provider.key
        if self.has("wrong_key"):
            key = type(key).generate_key("P-256")
        return jws.serialize_compact(header, json.dumps(claims).encode(), key, ["ES256"])

    def _user_of(self, token: str) -> User | None:
        parts = token.split(".")
        if len(parts) != 3:
            return None
        header, claims = (json.loads(base64.urlsafe_b64decode(p + "==")) for p in parts[:2])
        if not self._signature_fits(token, header):
            return None
        if claims["exp"] + 1 <= now() and not self.has("expiry_ignored"):
            return None
        user = self.store.user_by_id(claims["sub"])
        if user is None and self.has("signature_ignored"):
            return next(iter(self.store.users.values()))
        return user

    def _signature_fits(self, token: str, header: dict) -> bool:
        key = self.store.keys.get(header.get("kid"))
        foreign = header.get("kid") != self.provider.kid
        if key is None or (foreign and self.has("refuses_foreign_tokens")):
            return False
        try:
            jws.deserialize_compact(token, key, ["ES256"])
        except (JoseError, ValueError):
            return self._accepts_forged(header)
        return True

    def _accepts_forged(self, header: dict) -> bool:
        unsigned = header.get("alg") == "none" and self.has("alg_none_accepted")
        return unsigned or self.has("signature_ignored")


def basic_credentials(request: Request) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id", ""), ""
    name, _, secret = base64.b64decode(value).decode().partition(":")
    return name, secret

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
        two_methods = "authorization" in request.headers and "client_secret" in request.form
        if two_methods and not self.has("two_methods"):
            return refused("invalid_request")
        client = self._client(request)
        if client is None or self._is_broken_kind(client):
            return Response.of_json(401, "invalid_client", refusal("invalid_client"))
        answer = self._granted_for(client, request.form)
        return answer.without("cache-control") if self.has("kept_tokens") else answer

    def _granted_for(self, client: Client, form: dict[str, str]) -> Response:
        grant_type = form.get("grant_type", "")
        if grant_type == "password" and self.has("password_grant"):
            return self._alone(client)
        if grant_type not in {"client_credentials", "refresh_token", "authorization_code"}:
            return self._no_such_grant(grant_type)
        if grant_type not in client.grants and not self.has("any_grant"):
            return refused("unauthorized_client")
        if grant_type == "client_credentials":
            return self._alone(client)
        if grant_type == "refresh_token":
            return self._refresh(client, form)
        return self._redeem(client, form)

    def _no_such_grant(self, grant_type: str) -> Response:
        told = refusal("unsupported_grant_type")
        if self.has("repeats_grant_type"):
            told["error_description"] = f"There is no {grant_type}."
        if self.has("tells_no_reason"):
            del told["error_description"]
        return Response.of_json(400, "unsupported_grant_type", told)

    def _is_broken_kind(self, client: Client) -> bool:
        if self.has("no_public_clients") and client.secret is None:
            return True
        if self.has("no_machine_clients") and client.grants == ["client_credentials"]:
            return True
        return self.has("no_own_scopes") and bool(client.scopes)

    def _alone(self, client: Client) -> Response:
        if self.has("client_credentials_crash"):
            return Response.of_json(500, "internal_error", {"error": "server_error"})
        document = {
            "access_token": self._access_token(client, None),
            "token_type": "Bearer",
            "expires_in": client.access_token_seconds,
        }
        if self.has("refresh_for_machines"):
            document["refresh_token"] = "x"
        return Response.of_json(200, "ok", document)

    def userinfo(self, request: Request) -> Response:
        if request.bearer is None:
            headers = [] if self.has("no_challenge") else [("www-authenticate", "Bearer")]
            if not (self.has("token_in_address") and "access_token" in request.query):
                return Response.of_json(401, "no_credentials", {"error": "x"}, *headers)
        user = self._user_of(request.bearer or request.query["access_token"])
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
        if self._claims(request.bearer or "") is None:
            return Response.of_json(401, "invalid_token", {"error": "invalid_token"})
        if self._user_of(request.bearer) is None:
            flags = [{"key": "new", "errorCode": "TARGETING_KEY_MISSING"}]
            return Response.of_json(200, "ok", {"flags": flags})
        flags = ["new"] if self.has("flags_without_keys") else [{"key": "new", "value": True}]
        if self.has("flags_without_values"):
            flags = [{"key": "new", "errorCode": None}]
        return Response.of_json(200, "ok", {"flags": flags})

    def flag(self, request: Request, key: str) -> Response:
        if key != "new":
            status = 500 if self.has("unknown_flag_crashes") else 404
            return Response.of_json(
                status, "not_found", {"key": key, "errorCode": "FLAG_NOT_FOUND"}
            )
        if self._user_of(request.bearer) is None:
            status = 500 if self.has("one_flag_in_error_crashes") else 400
            told = {"key": key, "errorCode": "TARGETING_KEY_MISSING"}
            return Response.of_json(status, "invalid_request", told)
        value = not self.has("one_flag_differs")
        return Response.of_json(200, "ok", {"key": key, "value": value})

    def introspect(self, request: Request) -> Response:
        client = self._client(request)
        if client is None:
            return Response.of_json(401, "invalid_client", refusal("invalid_client"))
        token = request.form.get("token", "")
        user = self._user_of(token)
        holder = self._holder_of(token, client)
        if holder is not None and (user is not None or holder.client_id == self._subject(token)):
            sub = self._subject(token) if user is None else user.id
            return Response.of_json(200, "ok", {"active": True, "sub": sub})
        user = None
        if user is None and not self.has("introspect_always_active"):
            return Response.of_json(200, "invalid_token", {"active": False})
        return Response.of_json(200, "ok", {"active": True, "sub": "nobody"})

    def _holder_of(self, token: str, client: Client) -> Client | None:
        """Return the client that a good token was issued to, if `client` may know of it."""
        claims = self._claims(token)
        if claims is None or "client_id" not in claims:
            return None
        family = self.store.families.get(claims.get("family", ""))
        if family is not None and family.revoked and not self.has("access_survives_family"):
            return None
        holder = self.store.clients.get(claims["client_id"])
        meant = holder is client or client.audience in claims["aud"]
        return holder if meant or self.has("audience_ignored") else None

    def _subject(self, token: str) -> str:
        return (self._claims(token) or {}).get("sub", "")

    def is_own(self, token: str) -> bool:
        header = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
        return header["kid"] == self.provider.kid

    def _client(self, request: Request) -> Client | None:
        name, secret = basic_credentials(request)
        if not name and self.has("secret_in_address"):
            name, secret = request.query.get("client_id", ""), request.query.get("client_secret")
        client = self.store.clients.get(name)
        if client is None:
            return None
        right = client.secret is None or client.secret == secret
        if self.has("secret_optional") and not secret:
            right = True
        if self.has("no_secret_in_form") and "client_secret" in request.form:
            right = False
        return client if right or self.has("any_client_secret") else None

    def _redeem(self, client: Client, form: dict[str, str]) -> Response:
        code = self.store.codes.get(form.get("code", ""))
        refusal = refused("invalid_grant")
        if code is None:
            return refusal
        same_address = code.redirect_uri == form.get("redirect_uri")
        if not same_address and not self.has("redirect_uri_ignored"):
            return refusal
        if code.client_id != client.client_id and not self.has("code_of_anybody"):
            return refusal
        if code.used_for is not None and not self.has("code_reusable"):
            if not self.has("keeps_family_of_reused_code"):
                self.store.families[code.used_for].revoked = True
            return refusal
        challenge = b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if self.has("verifier_optional") and "code_verifier" not in form:
            challenge = code.challenge
        if challenge != code.challenge and not self.has("verifier_ignored"):
            return refusal
        user = self.store.user_by_id(code.user_id)
        family = secrets.token_hex(8)
        self.store.families[family] = Family(client.client_id, user.id, code.scope, code.session)
        code.used_for = family
        return self._granted(client, user, family, code.nonce)

    def _refresh(self, client: Client, form: dict[str, str]) -> Response:
        token = form.get("refresh_token", "")
        refusal = refused("invalid_grant")
        family_id, used = self.store.refresh_tokens.get(token, ("", False))
        family = self.store.families.get(family_id)
        anybody = self.has("refresh_of_anybody")
        if family is None or (family.client_id != client.client_id and not anybody):
            return refusal
        if used and not self.has("refresh_reusable"):
            family.revoked = family.revoked or not self.has("keeps_family_of_reused_refresh")
            return refusal
        wider = set(form.get("scope", "").split()) - set(family.scope.split())
        if wider and not self.has("scope_grows"):
            return refused("invalid_scope")
        user = self.store.user_by_id(family.user_id)
        disabled = user is None or (user.disabled and not self.has("disabled_refreshes"))
        if family.revoked or disabled:
            return refusal
        family.refreshes += 1
        if self.has(f"refresh_{family.refreshes}_crashes"):
            return Response.of_json(500, "internal_error", {"error": "server_error"})
        self.store.refresh_tokens[token] = (family_id, True)
        return self._granted(client, user, family_id, None, renewed=token)

    def _granted(self, client, user, family, nonce, renewed=None) -> Response:
        refresh = secrets.token_urlsafe(16)
        if renewed is not None and self.has("no_rotation"):
            refresh = renewed
        self.store.refresh_tokens[refresh] = (family, False)
        access = self._access_token(client, user, family)
        document = {
            "access_token": access,
            "token_type": "Bearer",
            "expires_in": client.access_token_seconds,
            "refresh_token": refresh,
            "id_token": self._id_token(client, user, nonce, access),
        }
        if self.has("no_refresh_token") or "refresh_token" not in client.grants:
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

    def _access_token(self, client: Client, user: User | None, family: str = "") -> str:
        claims = {
            "iss": self.provider.issuer,
            "aud": self._audience(client),
            "sub": client.client_id if user is None else user.id,
            "client_id": "somebody" if self.has("wrong_client_id") else client.client_id,
            "scope": "openid",
            "family": family,
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
        if self.has("refresh_token_is_bearer") and token in self.store.refresh_tokens:
            return next(iter(self.store.users.values()))
        claims = self._claims(token)
        if claims is None:
            return None
        user = self.store.user_by_id(claims["sub"])
        if user is None and (self.has("signature_ignored") or self.has("anybody_for_machines")):
            return next(iter(self.store.users.values()))
        return user

    def _claims(self, token: str) -> dict | None:
        """Return what a good access token says, and None for anything else."""
        parts = token.split(".")
        if len(parts) != 3:
            return None
        header, claims = (json.loads(base64.urlsafe_b64decode(p + "==")) for p in parts[:2])
        if not self._signature_fits(token, header):
            return None
        if header.get("typ") == "JWT" and not self.has("any_type") and not self.has("wrong_type"):
            return None
        if claims["exp"] + 1 <= now() and not self.has("expiry_ignored"):
            return None
        return claims

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


def refused(error: str) -> Response:
    return Response.of_json(400, error, refusal(error))


def refusal(error: str) -> dict[str, str]:
    return {"error": error, "error_description": "No."}


def basic_credentials(request: Request) -> tuple[str, str]:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return request.form.get("client_id", ""), request.form.get("client_secret", "")
    name, _, secret = base64.b64decode(value).decode().partition(":")
    return name, secret

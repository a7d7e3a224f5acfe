"""The admin API of the small provider, and the mistakes it can be told to make."""

import json
import secrets
from collections.abc import Collection
from urllib.parse import unquote

from tests.unit.watch.small_provider.store import DEFAULT_AUDIENCE, NEW_FORMAT, Client, Store, User
from tests.unit.watch.small_provider.wire import Request, Response

GRANTS = {"authorization_code", "refresh_token", "client_credentials"}
USER_KEYS = {"email", "password", "roles", "probe", "hash_format"}


def admin_answer(
    store: Store, request: Request, token: str, faults: Collection[str] = ()
) -> Response:
    """Answer a request below `/admin/`."""
    if "keys_forget_to_ask" in faults and request.path == "/admin/keys/rotate":
        return _problem(404, "not_found", "There is no such key.")
    if request.bearer != token and "admin_obeys_everybody" not in faults:
        return Response.of_json(401, "no_credentials", {"error": "no_credentials"})
    _, _, kind, *rest = request.path.split("/")
    with store.lock:
        if f"admin_{kind}_breaks" in faults:
            return _problem(500, "internal_error", "Something went wrong.")
        if kind in {"in-use", "keys", "audit", "snapshots"}:
            return _in_use(store) if kind == "in-use" else _listed(store, request, faults)
        if kind == "users":
            return _users(store, request, [unquote(part) for part in rest], faults)
        return _clients(store, request, [unquote(part) for part in rest], faults)


def _listed(store: Store, request: Request, faults: Collection[str]) -> Response:
    if request.query.get("limit", "1").isdigit():
        subject = request.query.get("subject", "")
        entries = [each for each in store.audit if each["subject"] == subject]
        return Response.of_json(200, "ok", {"entries": entries})
    if "admin_breaks_at_bad_limits" in faults:
        return _problem(500, "internal_error", "Something went wrong.")
    return _problem(400, "invalid_request", "`limit` must be a whole number.")


def _in_use(store: Store) -> Response:
    formats = [
        {"format": text, "users": 1, "can_be_probed": text != "too dear"}
        for text in store.hash_formats
    ]
    document = {"hash_formats": formats, "client_kinds": store.client_kinds}
    return Response.of_json(200, "ok", document)


def _users(store: Store, request: Request, rest: list[str], faults: Collection[str]) -> Response:
    if request.method == "POST" and not rest:
        return _create_user(store, request, faults)
    if request.method == "GET" and not rest:
        listed = [] if "admin_lists_nothing" in faults else store.users.values()
        all_of_them = "probe" in request.query or "admin_lists_probes" in faults
        shown = [user for user in listed if not user.probe or all_of_them]
        return Response.of_json(200, "ok", {"users": [_user(user) for user in shown]})
    return _one_user(store, request, rest, faults)


def _one_user(store: Store, request: Request, rest: list[str], faults: Collection[str]) -> Response:
    user = store.users.get(rest[0])
    if user is None and rest[1:] == ["mails"] and "admin_breaks_at_mails_of_nobody" in faults:
        return _problem(500, "internal_error", "Something went wrong.")
    if user is None:
        return _problem(404, "not_found", "There is no such user.")
    if request.method == "GET":
        return Response.of_json(200, "ok", _mails(store, user) if rest[1:] else _user(user))
    if request.method == "DELETE":
        if "admin_deletes_nothing" not in faults:
            store.delete_user(rest[0])
        return Response(204, "ok")
    if "admin_disables_nobody" in faults:
        return Response.of_json(200, "ok", _user(user) | {"disabled": rest[1] == "disable"})
    user.disabled = rest[1] == "disable"
    if not user.disabled and "admin_keeps_sessions" not in faults:
        # Here they end when the account is enabled again; nobody can use them before.
        store.sessions = {k: v for k, v in store.sessions.items() if v != user.id}
    return Response.of_json(200, "ok", _user(user))


def _mails(store: Store, user: User) -> dict:
    return {"mail_server": True, "mails": [{"kind": each} for each in store.mails[user.email]]}


def _create_user(store: Store, request: Request, faults: Collection[str]) -> Response:
    if "admin_makes_no_users" in faults:
        return _problem(500, "internal_error", "Something went wrong.")
    document = json.loads(request.body)
    right = set(document) <= USER_KEYS and "@" in document.get("email", "")
    if not right or len(document.get("password", "")) < 8:
        if "admin_breaks_at_bad_users" in faults:
            return _problem(500, "internal_error", "Something went wrong.")
        return _problem(400, "invalid_request", "This is no user.")
    if document["email"] in store.users and "admin_makes_users_twice" not in faults:
        return _problem(409, "already_exists", "Taken.")
    user = User(
        secrets.token_hex(8),
        document["email"],
        document["password"],
        document.get("roles", []),
        document.get("probe", False),
        hash_format=document.get("hash_format", NEW_FORMAT),
    )
    store.users[user.email] = user
    return Response.of_json(201, "ok", _user(user))


def _user(user: User) -> dict:
    return {
        "id": user.id,
        "email": user.email,
        "roles": user.roles,
        "disabled": user.disabled,
        "probe": user.probe,
    }


def _clients(store: Store, request: Request, rest: list[str], faults: Collection[str]) -> Response:
    if request.method == "DELETE":
        if store.clients.pop(rest[0], None) is None:
            return _problem(404, "not_found", "There is no such client.")
        return Response(204, "ok")
    if request.method == "GET":
        probes = "probe" in request.query
        listed = [_client(c) for c in store.clients.values() if probes or not c.probe]
        return Response.of_json(200, "ok", {"clients": listed})
    if "admin_makes_no_clients" in faults:
        return Response.of_json(401, "no_credentials", {"error": "no_credentials"})
    return _create_client(store, json.loads(request.body), faults)


def _create_client(store: Store, document: dict, faults: Collection[str]) -> Response:
    grants, uris = document["grants"], document.get("redirect_uris", [])
    is_right = set(grants) <= GRANTS and all("*" not in uri for uri in uris)
    named = " " not in document.get("client_id", "")
    if not (is_right and named) or ("authorization_code" in grants and not uris):
        return _problem(400, "invalid_request", "This is no client.")
    if document["client_id"] in store.clients:
        return _problem(409, "already_exists", "Taken.")
    secret = None if document["public"] else secrets.token_urlsafe(16)
    client = Client(
        document["client_id"],
        secret,
        uris,
        document.get("audience") or DEFAULT_AUDIENCE,
        document.get("access_token_seconds", 300),
        document.get("probe", False),
        grants,
        document.get("scopes", []),
    )
    store.clients[client.client_id] = client
    answer = _client(client)
    if secret is not None:
        answer["client_secret"] = secret
    if "admin_tells_another_secret" in faults:
        answer["client_secret"] = secrets.token_urlsafe(16)
    return Response.of_json(201, "ok", answer, ("cache-control", "no-store"))


def _client(client: Client) -> dict:
    return {
        "client_id": client.client_id,
        "redirect_uris": client.redirect_uris,
        "grants": client.grants,
        "probe": client.probe,
    }


def _problem(status: int, outcome: str, message: str) -> Response:
    return Response.of_json(status, outcome, {"error": outcome, "message": message, "hint": ""})

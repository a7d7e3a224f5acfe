"""The admin API of the small provider."""

import secrets
from urllib.parse import unquote

from tests.unit.watch.small_provider.store import DEFAULT_AUDIENCE, NEW_FORMAT, Client, Store, User
from tests.unit.watch.small_provider.wire import Request, Response


def admin_answer(store: Store, request: Request, token: str) -> Response:
    """Answer a request below `/admin/`."""
    if request.bearer != token:
        return Response.of_json(401, "no_credentials", {"error": "no_credentials"})
    _, _, kind, *rest = request.path.split("/")
    with store.lock:
        if kind == "in-use":
            return _in_use(store)
        if kind == "users":
            return _users(store, request, [unquote(part) for part in rest])
        return _clients(store, request, [unquote(part) for part in rest])


def _in_use(store: Store) -> Response:
    formats = [
        {"format": text, "users": 1, "can_be_probed": text != "too dear"}
        for text in store.hash_formats
    ]
    document = {"hash_formats": formats, "client_kinds": store.client_kinds}
    return Response.of_json(200, "ok", document)


def _users(store: Store, request: Request, rest: list[str]) -> Response:
    if request.method == "POST" and not rest:
        return _create_user(store, request.json())
    if request.method == "GET" and not rest:
        shown = [u for u in store.users.values() if not u.probe or "probe" in request.query]
        return Response.of_json(200, "ok", {"users": [_user(user) for user in shown]})
    user = store.users.get(rest[0])
    if user is None:
        message = {"error": "not_found", "message": "There is no such user.", "hint": ""}
        return Response.of_json(404, "not_found", message)
    if request.method == "DELETE":
        store.delete_user(rest[0])
        return Response(204, "ok")
    user.disabled = rest[1] == "disable"
    return Response.of_json(200, "ok", _user(user))


def _create_user(store: Store, document: dict) -> Response:
    if document["email"] in store.users:
        message = {"error": "already_exists", "message": "Taken.", "hint": ""}
        return Response.of_json(409, "already_exists", message)
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


def _clients(store: Store, request: Request, rest: list[str]) -> Response:
    if request.method == "DELETE":
        store.clients.pop(rest[0], None)
        return Response(204, "ok")
    if request.method == "GET":
        listed = [{"client_id": c.client_id, "probe": c.probe} for c in store.clients.values()]
        return Response.of_json(200, "ok", {"clients": listed})
    document = request.json()
    secret = None if document["public"] else secrets.token_urlsafe(16)
    client = Client(
        document["client_id"],
        secret,
        document["redirect_uris"],
        document.get("audience") or DEFAULT_AUDIENCE,
        document.get("access_token_seconds", 300),
        document.get("probe", False),
        document["grants"],
        document.get("scopes", []),
    )
    store.clients[client.client_id] = client
    answer = {"client_id": client.client_id}
    if secret is not None:
        answer["client_secret"] = secret
    return Response.of_json(201, "ok", answer)

"""Who may not use the admin API: whoever has no token or a wrong one, or comes by the edge."""

from collections.abc import Collection, Sequence
from typing import Final

from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_answers import CREATED, DONE, OK, Document, require_document
from ostiary.watch.journeys.admin_calls import (
    AUDIT,
    CLIENTS,
    IN_USE,
    KEYS,
    USERS,
    AdminCalls,
    client_path,
    user_path,
)
from ostiary.watch.journeys.in_use import EVERYTHING
from ostiary.watch.journeys.probe_account import ProbeAccount, registration_of
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.refused import require_not_granted
from ostiary.watch.relying_party.errors import FailureKind

_NOBODYS: Final = "s-000000000000"
"""A snapshot, and a key, that there is not: whoever obeyed would do nothing."""

_NO_TOKEN: Final = (401, 403)
_REFUSED: Final = range(400, 500)

_Call = tuple[str, str, Document | None]
"""Method, path and document."""


async def operators_only(site: Site, admin: ProbeAdmin) -> None:
    """Require that without the admin token, or through the edge, nothing is told and done.

    Without any token everything is tried, since each call could forget to ask for one. What a token
    must be is asked in one place: for a wrong one, and for the edge, three calls do.
    """
    async with admin.account() as account:
        calls = admin.calls(site)
        path = user_path(account.email)
        wrong = calls.of_a_stranger({"authorization": f"Bearer {site.rng.token(24)}"})
        others = [wrong]
        if site.target.as_edge is not None:
            others.append(admin.calls(site, through_edge=True))
        await _require_nothing(calls.of_a_stranger({}), _everything(account), _NO_TOKEN)
        for stranger in others:
            await _require_nothing(
                stranger,
                [("GET", USERS, None), ("POST", USERS, _new_user(account)), ("DELETE", path, None)],
            )
        shown = await calls.ask("show_user", "GET", path)
        require_document(shown, OK, {"id": account.subject, "disabled": False})


def _everything(account: ProbeAccount) -> list[_Call]:
    path = user_path(account.email)
    new_client = registration_of(f"{account.client_id}-2", EVERYTHING)
    return [
        ("GET", USERS, None),
        ("GET", path, None),
        ("GET", user_path(account.email, "mails"), None),
        ("GET", CLIENTS, None),
        ("GET", IN_USE, None),
        ("GET", AUDIT, None),
        ("GET", KEYS, None),
        ("POST", f"{KEYS}/rotate", {"kid": _NOBODYS}),
        ("POST", f"/admin/snapshots/{_NOBODYS}/revoke", {"order": _NOBODYS, "reason": "none"}),
        ("POST", USERS, _new_user(account)),
        ("POST", CLIENTS, new_client),
        ("POST", user_path(account.email, "disable"), None),
        ("POST", user_path(account.email, "enable"), None),
        ("DELETE", path, None),
        ("DELETE", client_path(account.client_id), None),
    ]


def _new_user(account: ProbeAccount) -> Document:
    return {"email": f"x-{account.email}", "password": account.password, "probe": True}


async def _require_nothing(
    stranger: AdminCalls, tried: Sequence[_Call], statuses: Collection[int] = _REFUSED
) -> None:
    """Require that a stranger gets nothing of what these calls do, and one of the statuses."""
    for method, path, document in tried:
        answer = await stranger.ask("without_admin_token", method, path, document)
        if answer.status in {CREATED, DONE}:
            answer.fail("a refusal", kind=FailureKind.GRANTED)
        require_not_granted(answer, statuses)

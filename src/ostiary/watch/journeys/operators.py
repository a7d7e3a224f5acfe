"""What operators do: accounts and clients by the admin API of a candidate.

Nobody signs in by it, so that for days nobody would notice that it does nothing, or that it obeys
everybody. What is made is a probe's, and last good deletes it whatever happened.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final
from urllib.parse import quote

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_answers import (
    CREATED,
    DONE,
    NOT_FOUND,
    OK,
    Document,
    listed_entry,
    require_document,
    require_same,
    require_taken,
)
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
from ostiary.watch.journeys.operators_only import operators_only
from ostiary.watch.journeys.probe_account import ProbeAccount, registration_of
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.refusals import try_password
from ostiary.watch.journeys.refused import require_not_granted
from ostiary.watch.journeys.running import Journey
from ostiary.watch.journeys.sign_in import check_signed_out
from ostiary.watch.relying_party.errors import FailureKind

_NO_ACCOUNTS: Final[Sequence[Document]] = (
    {},
    {"email": "nobody"},
    {"email": "nobody@probe.invalid", "password": "short", "probe": True},
    {"email": "nobody", "password": "long enough, but nobody's", "probe": True},
    {"email": "nobody@probe.invalid", "password": "long enough", "unheard_of": 1},
)
_NO_CLIENTS: Final[Sequence[Document]] = (
    {"client_id": "no good id", "grants": ["client_credentials"], "probe": True},
    {"grants": ["authorization_code"], "redirect_uris": [], "probe": True},
    {"grants": ["authorization_code"], "redirect_uris": ["http://*"], "probe": True},
    {"grants": ["password"], "probe": True},
)


def operator_set(site: Site, admin: ProbeAdmin, last_good: Site | None) -> list[Journey]:
    """Return the journeys of operators at a site.

    What is done there must hold at last good as well, at once.
    """
    return [
        Journey("operators", partial(operators, site, admin, last_good=last_good)),
        Journey("operators_only", partial(operators_only, site, admin)),
    ]


async def operators(site: Site, admin: ProbeAdmin, *, last_good: Site | None = None) -> None:
    """Make, show, list, disable, enable and delete an account and a client. What is made works."""
    calls = admin.calls(site)
    elsewhere = last_good or site
    async with admin.to_be_made() as planned:
        account = await _make(calls, planned)
        await _require_shown_alike(calls, admin.calls(elsewhere), account)
        there = elsewhere.actor(account)
        before = await there.login()
        await _set_disabled(calls, account, "disable", disabled=True)
        await try_password(there, there.device(), account.email, account.password)
        await _set_disabled(calls, account, "enable", disabled=False)
        await check_signed_out(there, before.browser, step="session_from_before")
        await site.actor(account).login()
        await _require_noted(calls, site, account)
        await _refuse_what_is_none(calls)
        await _read_what_there_is(calls)
        await _delete(calls, account)
        answer = await admin.calls(elsewhere).ask("show_deleted", "GET", user_path(account.email))
        answer.require(answer.status == NOT_FOUND, "HTTP 404 for a deleted account")
        mails = await calls.ask("mails_of_deleted", "GET", user_path(account.email, "mails"))
        mails.require(mails.status == NOT_FOUND, "HTTP 404 for a deleted account")


async def _make(calls: AdminCalls, planned: ProbeAccount) -> ProbeAccount:
    body = {"email": planned.email, "password": planned.password, "roles": [], "probe": True}
    made = await calls.ask("create_user", "POST", USERS, body)
    expected = {"email": planned.email, "roles": [], "disabled": False, "probe": True}
    user = require_document(made, CREATED, expected)
    require_taken(await calls.ask("create_user_again", "POST", USERS, body))
    registration = registration_of(planned.client_id, planned.kind)
    registered = await calls.ask("create_client", "POST", CLIENTS, registration)
    wanted = {key: registration[key] for key in ("client_id", "grants", "redirect_uris", "probe")}
    client = require_document(registered, CREATED, wanted)
    registered.require_not_kept()
    require_taken(await calls.ask("create_client_again", "POST", CLIENTS, registration))
    secret = client.get("client_secret")
    if not isinstance(secret, str):
        registered.fail("the client's secret", kind=FailureKind.WRONG_CONTENT)
    return replace(planned, client_secret=secret, subject=str(user.get("id")))


async def _require_shown_alike(
    calls: AdminCalls, elsewhere: AdminCalls, account: ProbeAccount
) -> None:
    """Require that both versions show the new account, and list it and its client, alike.

    A newer one may tell more.
    """
    path = user_path(account.email)
    shown = await elsewhere.ask("show_user", "GET", path)
    require_document(await calls.ask("show_user", "GET", path), OK, shown.json())
    for kind, path, key, name in (
        ("users", USERS, "email", account.email),
        ("clients", CLIENTS, "client_id", account.client_id),
    ):
        step = f"list_{kind}"
        listed = await calls.ask(step, "GET", f"{path}?probe=1")
        known = listed_entry(await elsewhere.ask(step, "GET", f"{path}?probe=1"), kind, key, name)
        found = listed_entry(listed, kind, key, name)
        if found is None or known is None:
            listed.fail("a list with what was made", kind=FailureKind.WRONG_CONTENT)
        require_same(listed, found, known)
        unasked = await calls.ask(step, "GET", path)
        unasked.require(
            unasked.status == OK and listed_entry(unasked, kind, key, name) is None,
            "a list without probes",
            kind=FailureKind.WRONG_CONTENT,
        )


async def _set_disabled(
    calls: AdminCalls, account: ProbeAccount, act: str, *, disabled: bool
) -> None:
    answer = await calls.ask(f"{act}_user", "POST", user_path(account.email, act))
    require_document(answer, OK, {"email": account.email, "disabled": disabled})


async def _require_noted(calls: AdminCalls, site: Site, account: ProbeAccount) -> None:
    """Require that the latest sign-in is in the audit log, with the address that the edge named."""
    # By that address somebody who guesses passwords is told from everybody else.
    path, edge = f"{AUDIT}?subject={quote(account.email)}&probe=1", site.target.as_edge
    answer = await calls.ask("audit_of_sign_in", "GET", path)
    if answer.status != NOT_FOUND and edge is not None:
        noted = listed_entry(answer, "entries", "operation", "sign_in")
        answer.require(
            noted is not None and noted.get("client_address") == edge.address,
            "the latest sign-in, and the address that it came from",
            kind=FailureKind.WRONG_CONTENT,
        )


async def _refuse_what_is_none(calls: AdminCalls) -> None:
    """Require that what is no account or client is refused in words, and nothing breaks."""
    for path, step, documents in (
        (USERS, "bad_user", _NO_ACCOUNTS),
        (CLIENTS, "bad_client", _NO_CLIENTS),
    ):
        for document in documents:
            answer = await calls.ask(step, "POST", path, document)
            require_not_granted(answer)
            answer.require_class(OutcomeClass.REFUSAL)
            answer.require(bool(answer.json().get("message")), "a message that says what is wrong")


async def _read_what_there_is(calls: AdminCalls) -> None:
    """Read the audit log, the keys, and what is in use, as the next rehearsal will.

    A release from before there was one of them may be gone back to. What cannot be a limit is
    refused, and nothing breaks.
    """
    for step, path in (("audit", f"{AUDIT}?limit=1"), ("keys", KEYS), ("in_use", IN_USE)):
        answer = await calls.ask(step, "GET", path)
        if answer.status != NOT_FOUND:
            require_document(answer, OK, {})
    answer = await calls.ask("bad_limit", "GET", f"{AUDIT}?limit=none")
    if answer.status != NOT_FOUND:
        answer.require_class(OutcomeClass.REFUSAL)


async def _delete(calls: AdminCalls, account: ProbeAccount) -> None:
    for step, path in (
        ("delete_user", user_path(account.email)),
        ("delete_client", client_path(account.client_id)),
    ):
        answer = await calls.ask(step, "DELETE", path)
        answer.require(answer.status == DONE, "HTTP 204")
        again = await calls.ask(f"{step}_again", "DELETE", path)
        again.require(again.status == NOT_FOUND, "HTTP 404 for what is deleted")

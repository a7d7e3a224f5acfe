"""Who may not use the admin API: whoever has no token or a wrong one, or comes by the edge."""

from ostiary.watch.journeys.actor import Site
from ostiary.watch.journeys.admin_answers import CREATED, DONE, OK, require_document
from ostiary.watch.journeys.admin_calls import CLIENTS, USERS, AdminCalls, client_path, user_path
from ostiary.watch.journeys.in_use import EVERYTHING
from ostiary.watch.journeys.probe_account import ProbeAccount, registration_of
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.refused import require_not_granted
from ostiary.watch.relying_party.errors import FailureKind


async def operators_only(site: Site, admin: ProbeAdmin) -> None:
    """Require that without the admin token, or through the edge, nothing is told and done."""
    async with admin.account() as account:
        calls = admin.calls(site)
        strangers = [
            calls.of_a_stranger({}),
            calls.of_a_stranger({"authorization": f"Bearer {site.rng.token(24)}"}),
        ]
        if site.target.as_edge is not None:
            strangers.append(admin.calls(site, through_edge=True))
        for stranger in strangers:
            await _try_everything(stranger, account)
        shown = await calls.ask("show_user", "GET", user_path(account.email))
        require_document(shown, OK, {"id": account.subject, "disabled": False})


async def _try_everything(stranger: AdminCalls, account: ProbeAccount) -> None:
    """Require that a stranger gets nothing of what the admin API does."""
    new_client = registration_of(f"{account.client_id}-2", EVERYTHING)
    new_user = {"email": f"x-{account.email}", "password": account.password, "probe": True}
    for method, path, document in (
        ("GET", USERS, None),
        ("GET", user_path(account.email), None),
        ("GET", CLIENTS, None),
        ("GET", "/admin/in-use", None),
        ("POST", USERS, new_user),
        ("POST", CLIENTS, new_client),
        ("POST", user_path(account.email, "disable"), None),
        ("POST", user_path(account.email, "enable"), None),
        ("DELETE", user_path(account.email), None),
        ("DELETE", client_path(account.client_id), None),
    ):
        answer = await stranger.ask("without_admin_token", method, path, document)
        if answer.status in {CREATED, DONE}:
            answer.fail("a refusal", kind=FailureKind.GRANTED)
        require_not_granted(answer)

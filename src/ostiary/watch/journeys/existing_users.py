"""Users and applications as they exist: old password hashes, other letters, other clients.

A release may be broken for one of these and serve all other probes, which are alike.
"""

import unicodedata
from functools import partial

from ostiary.watch.journeys.actor import Actor, Site
from ostiary.watch.journeys.for_itself import act_for_itself, check_active_for_itself
from ostiary.watch.journeys.in_use import CLIENT_CREDENTIALS, CODE, REFRESH, ClientKind, InUse
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.refusals import wrong_password_only
from ostiary.watch.journeys.refused import require_oauth_error
from ostiary.watch.journeys.running import Journey
from ostiary.watch.journeys.sign_in import (
    check_active,
    check_userinfo,
    leave_by_client,
    refresh_thrice,
)
from ostiary.watch.relying_party.grants import TokenClient

_NOT_ALLOWED = ("unauthorized_client", "invalid_client")
_OUTSIDE_ASCII = "non_ascii_user"


def existing_users_set(
    site: Site, in_use: InUse, admin: ProbeAdmin, *, last_good: Site | None
) -> list[Journey]:
    """Return a journey for each format of hashes and kind of clients, and one for other letters.

    `admin` makes the accounts at last good, and what a candidate leaves must be readable there.
    """
    journeys = [Journey(_OUTSIDE_ASCII, partial(non_ascii_user, site, admin))]
    for each in in_use.hash_formats:
        walk = partial(retained_hash, site, admin, each, last_good=last_good)
        journeys.append(Journey(f"retained_hash:{each}", walk))
    kinds = {kind: partial(client_kind, site, admin, kind) for kind in in_use.client_kinds}
    return journeys + [Journey(f"client_kind:{kind}", walk) for kind, walk in kinds.items()]


async def retained_hash(
    site: Site, admin: ProbeAdmin, hash_format: str, *, last_good: Site | None
) -> None:
    """Require that a user whose hash is of this format signs in here, and only by the password.

    Afterwards they must be able to sign in at last good: a release that renews hashes has to wait
    with that until it is good.
    """
    async with admin.account(hash_format=hash_format) as account:
        actor = site.actor(account)
        login = await actor.login()
        await check_userinfo(actor, login.tokens.access_token, login)
        await wrong_password_only(actor)
        if last_good is not None:
            elsewhere = last_good.actor(account)
            await elsewhere.sign_in(elsewhere.device(), elsewhere.request())


async def non_ascii_user(site: Site, admin: ProbeAdmin) -> None:
    """Require that letters outside ASCII work, composed and decomposed, in name and password.

    Keyboards differ in which of the two they send (NIST SP 800-63B, section 5.1.1.2); capitals
    make no difference in the address.
    """
    async with admin.account(name_is_ascii=False) as account:
        actor = site.actor(account)
        login = await actor.login()
        await check_userinfo(actor, login.tokens.access_token, login)
        typed = (
            unicodedata.normalize("NFD", account.email.upper()),
            unicodedata.normalize("NFD", account.password),
        )
        browser, request = actor.device(), actor.request()
        code = await actor.sign_in(browser, request, typed=typed)
        answer = await actor.client.exchange(code, request.verifier)
        again = actor.read_login(browser, code, request, answer)
        await check_userinfo(actor, again.tokens.access_token, login)


async def client_kind(site: Site, admin: ProbeAdmin, kind: ClientKind) -> None:
    """Walk all that a client of this kind may do, and require that it may do no more."""
    async with admin.account(kind=kind) as account:
        actor = site.actor(account)
        if CODE in kind.grants:
            await _sign_in_for(actor, kind)
        if CLIENT_CREDENTIALS not in kind.grants:
            step = "client_credentials_refused"
            answer = await actor.client.token(step, grant_type="client_credentials")
            require_oauth_error(answer, _NOT_ALLOWED)
            return
        _, tokens = await act_for_itself(actor)
        await check_active_for_itself(actor, tokens)
        in_form = TokenClient(actor.wire, actor.provider, account.registration, secret_in_form=True)
        await act_for_itself(actor, in_form, step="client_secret_post")


async def _sign_in_for(actor: Actor, kind: ClientKind) -> None:
    login = await actor.login()
    await check_userinfo(actor, login.tokens.access_token, login)
    if not kind.public:
        await check_active(actor, login.tokens.access_token, login)
    if REFRESH in kind.grants:
        await refresh_thrice(actor, login)
    await leave_by_client(actor, login)

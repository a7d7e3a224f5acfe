"""Which journeys belong together: the sets that rehearsal and pinned runs are made of."""

from collections.abc import Sequence
from functools import partial

from ostiary.watch.journeys import front_refusals, misuse, refusals, token_refusals
from ostiary.watch.journeys.actor import Actor, Site
from ostiary.watch.journeys.at_once import PEOPLE, everybody_at_once
from ostiary.watch.journeys.cross_version import CrossVersion
from ostiary.watch.journeys.flags import check_flags
from ostiary.watch.journeys.for_itself import act_for_itself
from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.published_keys import keys_stay_published
from ostiary.watch.journeys.running import Journey
from ostiary.watch.journeys.same_browser import replaced_session, sign_in_again
from ostiary.watch.journeys.sign_in import (
    SignOut,
    leave_by_client,
    leave_by_page,
    sign_in_code_flow,
)
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError

_WAYS_OUT: tuple[SignOut, ...] = (leave_by_page, leave_by_client)


class Subjects:
    """Who is who: two accounts with one subject would be one user to every application."""

    def __init__(self) -> None:
        """Start without knowing anybody."""
        self._email_by_subject: dict[str, str] = {}

    def add(self, subject: str, actor: Actor) -> None:
        """Remember a subject; raises `StepFailedError` where another account has it."""
        email = self._email_by_subject.setdefault(subject, actor.account.email)
        if email != actor.account.email:
            raise StepFailedError(
                step="subject",
                kind=FailureKind.WRONG_IDENTITY,
                expected="a subject of its own for every account",
                got="the subject of another account",
                stratum="token",
                target=actor.site.target.name,
            )


def sign_in_set(sites: Sequence[Site], accounts: Sequence[ProbeAccount]) -> list[Journey]:
    """Return the journeys that must succeed, spread over the sites.

    Users sign in, once for each account; at each site one of them does so again on the same
    browser, and one client acts for itself.
    """
    subjects = Subjects()
    journeys = []
    for number, account in enumerate(accounts):
        actor = sites[number % len(sites)].actor(account)
        # Divided by the number of sites, so that every site gets both ways out.
        leave = _WAYS_OUT[number // len(sites) % len(_WAYS_OUT)]
        walk = partial(_sign_in, actor, leave, subjects, again=number < len(sites))
        journeys.append(Journey("sign_in_code_flow", walk, partial(_strata, actor)))
    for site, account in zip(sites, accounts, strict=False):
        client = site.actor(account)
        walk = partial(_act_for_itself, client)
        journeys.append(Journey("client_credentials", walk, partial(_strata, client)))
    return journeys


def at_once_journey(site: Site, accounts: Sequence[ProbeAccount]) -> Journey:
    """Return the journey of several accounts at the same moment."""
    actors = [site.actor(account) for account in accounts[:PEOPLE]]
    return Journey("at_once", partial(everybody_at_once, actors))


def published_keys_set(sites: Sequence[Site], last_good: Site) -> list[Journey]:
    """Return the journey that compares published keys, once for each site."""
    return [
        Journey("keys_stay_published", partial(keys_stay_published, site, last_good))
        for site in sites
    ]


def refusal_set(
    site: Site, account: ProbeAccount, other: ProbeAccount, admin: ProbeAdmin
) -> list[Journey]:
    """Return every refusal; `other` lends its client and is disabled afterwards."""
    # Beside users only what takes few password hashes is tried again and again.
    replaced = partial(replaced_session, site.actor(account))
    disabled = partial(refusals.disabled_user, site.actor(other), admin)
    return [
        *lasting_refusal_set(site, account, other),
        Journey("replaced_session", replaced),
        Journey("disabled_user", disabled),
    ]


def lasting_refusal_set(site: Site, account: ProbeAccount, other: ProbeAccount) -> list[Journey]:
    """Return the refusals after which both accounts are good for more; `other` lends its client."""

    def actor() -> Actor:
        return site.actor(account)

    lender = site.actor(other)
    code_of_another = partial(token_refusals.code_of_another_client, actor(), lender)
    return [
        Journey("wrong_password", partial(refusals.wrong_password, actor())),
        Journey("unknown_user", partial(refusals.unknown_user, actor())),
        Journey("forged_form", partial(refusals.forged_form, actor())),
        Journey("session_required", partial(refusals.session_required, actor())),
        Journey("authorize_refusals", partial(front_refusals.authorize_refusals, actor())),
        Journey("no_token", partial(token_refusals.no_token, actor())),
        Journey("tampered_token", partial(token_refusals.tampered_token, actor())),
        Journey("wrong_client_secret", partial(token_refusals.wrong_client_secret, actor())),
        Journey("wrong_verifier", partial(token_refusals.wrong_verifier, actor())),
        Journey("code_of_another_client", code_of_another),
        Journey("reused_code", partial(token_refusals.reused_code, actor())),
        Journey("reused_refresh", partial(token_refusals.reused_refresh, actor())),
        Journey("planted_sign_in", partial(front_refusals.planted_sign_in, actor())),
        Journey("safe_pages", partial(front_refusals.safe_pages, actor())),
        Journey("misused_tokens", partial(misuse.misused_tokens, actor(), lender)),
        Journey("misused_clients", partial(misuse.misused_clients, actor())),
    ]


def cheap_refusal_set(site: Site, account: ProbeAccount) -> list[Journey]:
    """Return the refusals that cost no password hash, for frequent runs."""

    def actor() -> Actor:
        return site.actor(account)

    outsider = actor()
    return [
        Journey("session_required", partial(refusals.session_required, actor())),
        Journey("no_token", partial(token_refusals.no_token, actor())),
        Journey("forged_token", partial(token_refusals.forged_token, actor())),
        Journey("wrong_client_secret", partial(token_refusals.wrong_client_secret, actor())),
        Journey("unknown_client", partial(refusals.unknown_client, outsider, outsider.device())),
        Journey(
            "wrong_redirect_uri",
            partial(refusals.wrong_redirect_uri, outsider, outsider.device()),
        ),
    ]


def cross_version_set(a: Site, b: Site, account: ProbeAccount) -> list[Journey]:
    """Return the mint and verify matrix of two versions, in both directions."""
    journeys = []
    for minter, verifier in ((a, b), (b, a)):
        pair = CrossVersion.between(minter, verifier, account)
        way = f"{minter.target.name}->{verifier.target.name}"
        journeys += [
            Journey(f"cross_version:tokens_and_session:{way}", pair.tokens_and_session),
            Journey(f"cross_version:form_and_code:{way}", pair.form_and_code),
            Journey(f"cross_version:signed_out:{way}", pair.signed_out),
            Journey(f"cross_version:client_credentials:{way}", pair.client_credentials),
        ]
    return journeys


async def _act_for_itself(actor: Actor) -> None:
    _, tokens = await act_for_itself(actor)
    await check_flags(actor, tokens.access_token)


async def _sign_in(actor: Actor, leave: SignOut, subjects: Subjects, *, again: bool) -> None:
    login = await sign_in_code_flow(actor, leave)
    subjects.add(login.access.subject, actor)
    if again:
        await sign_in_again(actor, login)


def _strata(actor: Actor) -> frozenset[str]:
    return actor.strata

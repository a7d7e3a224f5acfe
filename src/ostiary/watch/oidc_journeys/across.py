"""What holds between members of a group, and between two groups, rather than within one.

Every request of a user may reach another member, and in canary another group; what one has minted,
the other must take. Applications fetch keys from whichever answers, and keep them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from ostiary.watch.discovery_pair import discovery_stratum, require_as_before
from ostiary.watch.oidc_journeys.grants import (
    check_active,
    check_userinfo,
    refresh,
)
from ostiary.watch.oidc_journeys.party import Login, Party
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.grants import TokenSet
from ostiary.watch.relying_party.registration import AuthorizationRequest


def require_same(members: Sequence[Party]) -> None:
    """Require that all members of a group publish the same document and the same keys."""
    for first, other in pairwise(members):
        published, before = other.provider.published, first.provider.published
        if _keys(published.keys) != _keys(before.keys):
            _differs(other, "keys", f"the keys that {first.place.target.name} publishes")
        if published.document != before.document:
            document = f"the discovery document of {first.place.target.name}"
            _differs(other, "discovery", document)


def require_published(candidate: Party, last_good: Party) -> None:
    """Require everything that last good publishes: its keys under their ids above all.

    A key that is missing makes every token invalid that it has signed and that is still in use.
    """
    require_as_before(candidate.provider.published, last_good.provider.published, candidate.place)
    here, before = (_keys(each.provider.published.keys) for each in (candidate, last_good))
    if any(here.get(kid, key) != key for kid, key in before.items()):
        _differs(candidate, "keys", "the keys of last good unchanged under their ids")


async def require_understood(minter: Party, verifier: Party, login: Login) -> None:
    """Require that the verifier takes what the minter has minted: tokens, session, refresh token.

    Its keys alone must be enough for the id token: applications may have fetched no others.
    """
    settings = verifier.application.settings
    answer = replace(login.answer, step="verify_elsewhere")
    verifier.read_id_token(answer, login.tokens, nonce=login.request.nonce)
    await check_userinfo(verifier, login.tokens, login.subject, step="userinfo_elsewhere")
    if settings.introspection:
        await check_active(verifier, login.tokens, step="introspect_elsewhere")
    await _require_session(minter, verifier, login)
    if settings.refresh:
        renewed = await refresh(verifier, login, step="refresh_elsewhere")
        await check_userinfo(minter, renewed, login.subject, step="userinfo_back")


async def require_understood_for_itself(_minter: Party, verifier: Party, tokens: TokenSet) -> None:
    """Require that the verifier takes the token that the client got for itself at the minter."""
    await check_active(verifier, tokens, step="introspect_for_itself_elsewhere")


async def _require_session(minter: Party, verifier: Party, login: Login) -> None:
    """Require that who has signed in at the minter has at the verifier, too.

    Only where the minter itself knows its session without a page (OIDC Core, section 3.1.2.1,
    `prompt=none`): some providers ask everybody every time.
    """
    if await _asks(minter, login) is None:
        stopped = await _asks(verifier, login)
        if stopped is not None:
            stopped.fail("a code for the session", kind=FailureKind.REFUSED)


async def _asks(party: Party, login: Login) -> Answer | None:
    """Return what comes instead of a code for the session of a login; None for a code."""
    request = AuthorizationRequest.fresh(party.rng)
    browser = party.device(login.browser.jar.copy())
    location = request.location(
        party.provider.endpoints.authorization,
        party.application.registration,
        prompt="none",
        scope="openid",
    )
    answer = await browser.follow(await browser.get("session_elsewhere", location))
    return None if answer.query().get("code") and party.comes_back(answer) else answer


def _keys(entries: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """Return keys by id, in a form that is equal where the keys are."""
    return {str(each.get("kid", "")): json.dumps(each, sort_keys=True) for each in entries}


def _differs(party: Party, step: str, expected: str) -> None:
    raise StepFailedError(
        step=step,
        kind=FailureKind.WRONG_CONTENT,
        expected=expected,
        got="others",
        stratum=discovery_stratum(party.place),
        target=party.place.target.name,
    )

"""Several users at the same moment: each must get what is theirs.

State that is shared between requests shows only when requests overlap. Everybody signs in first;
then all take each step together, so that the requests of one step really meet.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from ostiary.watch.journeys.actor import Actor
from ostiary.watch.journeys.login import Login
from ostiary.watch.journeys.sign_in import check_userinfo, refresh
from ostiary.watch.relying_party.front_channel import ask_for_code
from ostiary.watch.relying_party.grants import TokenSet

PEOPLE = 4
"""As many as a replica has threads for requests by default."""

_ROUNDS = 2

T = TypeVar("T")


async def everybody_at_once(actors: Sequence[Actor]) -> None:
    """Let all of them get codes, redeem them, ask who they are and refresh, side by side."""
    logins = await _together([actor.login for actor in actors])
    pairs = list(zip(actors, logins, strict=True))
    held: list[TokenSet] = [login.tokens for login in logins]
    for _ in range(_ROUNDS):
        await _together([_walk_again(actor, login) for actor, login in pairs])
        holding = list(zip(pairs, held, strict=True))
        held = await _together([_refresh(*pair, tokens) for pair, tokens in holding])


def _walk_again(actor: Actor, login: Login) -> Callable[[], Awaitable[None]]:
    async def walk() -> None:
        request = actor.request()
        arrived = await ask_for_code(login.browser, actor.location(request), step="authorize")
        code = actor.read_code(arrived, request)
        answer = await actor.client.exchange(code, request.verifier)
        again = actor.read_login(login.browser, code, request, answer)
        await check_userinfo(actor, again.tokens.access_token, login)

    return walk


def _refresh(actor: Actor, login: Login, held: TokenSet) -> Callable[[], Awaitable[TokenSet]]:
    async def walk() -> TokenSet:
        renewed = await refresh(actor, login, held=held)
        await check_userinfo(actor, renewed.access_token, login)
        return renewed

    return walk


async def _together(walks: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return what all walks return; the first failure is raised when all have ended."""
    done = await asyncio.gather(*(walk() for walk in walks), return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return [each for each in done if not isinstance(each, BaseException)]

"""What last good mints and publishes now: that is what applications have relied on so far.

A candidate may differ from it on purpose, and its release or settings may make it differ by
mistake. Whatever an application compares letter by letter has to stay.
"""

from dataclasses import dataclass

from ostiary.watch.journeys.probe_account import ProbeAccount
from ostiary.watch.relying_party.claims import TokenRejectedError
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenClient, read_token_set
from ostiary.watch.relying_party.provider import Provider
from ostiary.watch.relying_party.tokens import Expectation, verify_access_token
from ostiary.watch.relying_party.wire import Wire


@dataclass(frozen=True, slots=True)
class Reference:
    """The default audience, the published keys and the listed algorithms of last good."""

    audience: str
    key_ids: frozenset[str]
    algorithms: frozenset[str]


async def read_reference(
    wire: Wire, provider: Provider, account: ProbeAccount, *, now: float
) -> Reference:
    """Return what last good mints for a client of the default audience.

    The client acts for itself, which costs no password hash. Raises `StepFailedError` where last
    good itself does not do what it should.
    """
    client = TokenClient(wire, provider, account.registration)
    answer = await client.token("reference_token", grant_type="client_credentials")
    granted = read_token_set(answer)
    expected = Expectation(provider.issuer, account.client_id, account.audience, now)
    try:
        claims = verify_access_token(granted.access_token, provider.keys, expected)
    except TokenRejectedError as error:
        answer.fail("a valid access token", got=str(error), kind=FailureKind.WRONG_CONTENT)
    # While an audience is migrated there are several; the present one comes first.
    return Reference(claims.audiences[0], frozenset(provider.keys.keys), provider.algorithms)

"""What must be refused, since no second opinion takes a wrong *yes* back."""

from dataclasses import replace

from ostiary.watch.oidc_journeys.pages import Stopped
from ostiary.watch.oidc_journeys.party import Party, read_object
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.registration import AuthorizationRequest

_OK = 200
_CLIENT_ERRORS = range(400, 500)
_FIRST_FAULT = 500
_FOREIGN = "https://attacker.invalid/callback"


async def wrong_password(party: Party) -> None:
    """Require that a wrong password gets no code."""
    request = AuthorizationRequest.fresh(party.rng)
    wrong = f"{party.application.password}x"
    arrived = await party.ask(party.device(), request, password=wrong)
    _require_no_code(arrived, "no code for a wrong password")


async def wrong_redirect_uri(party: Party) -> None:
    """Require that nobody is sent to an address that the client has not registered."""
    request = AuthorizationRequest.fresh(party.rng)
    own = party.application.registration.redirect_uri
    for address in (_FOREIGN, f"{own}/more"):
        browser = party.device()
        arrived = await party.ask(browser, request, redirect_uri=address)
        answer = _answer(arrived)
        if answer.is_redirect:
            answer.fail("no redirect to an unknown address", kind=FailureKind.GRANTED)
        answer.require(answer.status < _FIRST_FAULT, "an error page of the issuer")


async def used_code(party: Party) -> None:
    """Require that a code is redeemed once (RFC 6749, section 4.1.2)."""
    login = await party.sign_in()
    answer = await party.client.exchange(login.code, login.request.verifier, step="used_code")
    _require_refused(answer)


async def code_without_verifier(party: Party) -> None:
    """Require that a code is of no use to who has stolen it (RFC 7636, section 4.6)."""
    request = AuthorizationRequest.fresh(party.rng)
    code = party.read_code(await party.ask(party.device(), request), request)
    answer = await party.client.token(
        "code_without_verifier",
        grant_type="authorization_code",
        code=code,
        redirect_uri=party.application.registration.redirect_uri,
    )
    _require_refused(answer)


async def wrong_client_secret(party: Party) -> None:
    """Require that who does not know the client's secret gets no tokens for it.

    With client credentials nothing else is wrong; without, there is no code either.
    """
    application = party.application
    impostor = replace(
        party, application=replace(application, client_secret=f"{application.client_secret}x")
    )
    if application.settings.client_credentials:
        parameters = {"grant_type": "client_credentials"}
    else:
        parameters = {"grant_type": "authorization_code", "code": party.rng.token(16)}
    _require_refused(await impostor.client.token("wrong_client_secret", **parameters))


async def rubbish_is_inactive(party: Party) -> None:
    """Require that introspection tells a made-up token from a real one (RFC 7662, section 2.2)."""
    answer = await party.client.introspect(party.rng.token(24), step="introspect_rubbish")
    answer.require(answer.status == _OK, "introspection with HTTP 200")
    if read_object(answer).get("active") is not False:
        answer.fail("an inactive token", got="an active one", kind=FailureKind.GRANTED)


def _require_refused(answer: Answer) -> None:
    """Require a refusal in any form; an error of the server is none."""
    if answer.status == _OK:
        answer.fail("a refusal", kind=FailureKind.GRANTED)
    answer.require(answer.status in _CLIENT_ERRORS, "a refusal")


def _require_no_code(arrived: Answer | Stopped, expected: str) -> None:
    answer = _answer(arrived)
    if answer.query().get("code"):
        answer.fail(expected, got="a code", kind=FailureKind.GRANTED)
    answer.require(answer.status < _FIRST_FAULT, expected)


def _answer(arrived: Answer | Stopped) -> Answer:
    return arrived.answer if isinstance(arrived, Stopped) else arrived

"""What counts as a refusal: neither a grant, nor a failure that happens to keep people out."""

import re
from collections.abc import Collection

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.front_channel import SignInPage, sign_in_page

_OK = 200
_CLIENT_ERRORS = range(400, 500)
_UNAUTHORIZED = 401
_DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")


def require_oauth_error(answer: Answer, errors: Collection[str]) -> None:
    """Require an error answer of RFC 6749, section 5.2, with one of `errors` and why.

    Why is for developers of applications, in the characters that this section allows.
    """
    expected = f"a refusal: {' or '.join(errors)}"
    if answer.status == _OK:
        answer.fail(expected, kind=FailureKind.GRANTED)
    answer.require(answer.status in _CLIENT_ERRORS and answer.error() in errors, expected)
    answer.require_class(OutcomeClass.REFUSAL)
    described = answer.json().get("error_description")
    answer.require(
        isinstance(described, str) and _DESCRIPTION.fullmatch(described) is not None,
        "an error_description in visible ASCII, spaces included, without quotes and backslashes",
        got="none" if described is None else "another one",
        kind=FailureKind.WRONG_CONTENT,
    )


def require_bearer_error(answer: Answer, *, outcome: OutcomeClass = OutcomeClass.REFUSAL) -> None:
    """Require HTTP 401 with a Bearer challenge (RFC 6750, section 3)."""
    expected = "HTTP 401 with WWW-Authenticate: Bearer"
    if answer.status == _OK:
        answer.fail(expected, kind=FailureKind.GRANTED)
    challenge = answer.headers.get("www-authenticate", "").lower()
    correct = answer.status == _UNAUTHORIZED and challenge.startswith("bearer")
    answer.require(correct, expected)
    answer.require_class(outcome)


def require_not_granted(answer: Answer, statuses: Collection[int] = _CLIENT_ERRORS) -> None:
    """Require a refusal in any form; nothing may be told, and nothing may break."""
    expected = "a refusal"
    if answer.status == _OK:
        answer.fail(expected, kind=FailureKind.GRANTED)
    answer.require(answer.status in statuses, expected)
    answer.require(answer.outcome_is_no_fault, expected)


def require_inactive(answer: Answer) -> None:
    """Require `active: false` and nothing that tells about the token (RFC 7662, section 2.2)."""
    answer.require(answer.status == _OK, "introspection with HTTP 200")
    document = answer.json()
    if document.get("active") is not False:
        answer.fail("an inactive token", got="an active one", kind=FailureKind.GRANTED)
    answer.require(
        "sub" not in document and "username" not in document,
        "an inactive token without claims",
        got="claims of its user",
        kind=FailureKind.WRONG_CONTENT,
    )


def require_no_redirect(arrived: Answer | SignInPage) -> None:
    """Require an error page at the issuer: the client's address cannot be trusted.

    RFC 6749, section 4.1.2.1: the user is not sent to an unknown client or a wrong address.
    """
    answer = arrived.answer if isinstance(arrived, SignInPage) else arrived
    expected = "an error page of the issuer, no redirect"
    if answer.is_redirect:
        answer.fail(expected, kind=FailureKind.GRANTED)
    answer.require(answer.status in _CLIENT_ERRORS, expected)
    answer.require_class(OutcomeClass.REFUSAL)


def require_no_code(arrived: Answer | SignInPage, expected: str) -> None:
    """Require an error, by redirect or page, and no code."""
    answer = arrived.answer if isinstance(arrived, SignInPage) else arrived
    if answer.query().get("code"):
        answer.fail(expected, got="a code", kind=FailureKind.GRANTED)
    refused = bool(answer.error()) if answer.is_redirect else answer.status in _CLIENT_ERRORS
    answer.require(refused, expected)
    answer.require_class(OutcomeClass.REFUSAL)


def require_password_refused(answer: Answer) -> None:
    """Require the sign-in page again: a redirect is what a right password gets."""
    expected = "the sign-in page again"
    if answer.is_redirect:
        answer.fail(expected, kind=FailureKind.GRANTED)
    answer.require_class(OutcomeClass.REFUSAL)
    answer.require(sign_in_page(answer) is not None, expected)

"""What a client is told that is not let through (RFC 6750, section 3; RFC 9110, section 15.6.4)."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from ostiary.verify.errors import KeysUnavailableError, TokenRefusedError, VerifyError

_CHALLENGE = 'Bearer realm="api"'


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, in no framework's terms. Header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def reason_phrase(self) -> str:
        """Return the words that HTTP/1.1 has after the status."""
        return HTTPStatus(self.status).phrase


def no_token() -> Answer:
    """Return the answer to a request without a token.

    It names no error: nothing was presented, so nothing was wrong with it (RFC 6750, 3.1).
    """
    return _answer(401, "no_credentials", "An access token is needed here.", challenge=_CHALLENGE)


def refused(error: TokenRefusedError) -> Answer:
    """Return the answer to a token that is not accepted."""
    return _refusal(401, "invalid_token", str(error.reason.value))


def unavailable(retry_after_seconds: int) -> Answer:
    """Return the answer where nothing can be said about a token. The client may try again."""
    return _answer(
        503,
        "temporarily_unavailable",
        "The access token cannot be checked at the moment.",
        retry_after_seconds=retry_after_seconds,
    )


def lacks_scopes(scopes: Iterable[str]) -> Answer:
    """Return the answer to a token without the scopes that a route needs."""
    return _refusal(
        403,
        "insufficient_scope",
        "The access token lacks a scope that is needed here.",
        scope=" ".join(sorted(scopes)),
    )


def lacks_role() -> Answer:
    """Return the answer to a user without the role that a route needs; RFC 6750 has one code."""
    return _refusal(403, "insufficient_scope", "The user lacks a role that is needed here.")


def answer_to(error: VerifyError) -> Answer:
    """Return the answer to any error of the verifier."""
    if isinstance(error, TokenRefusedError):
        return refused(error)
    return unavailable(error.retry_after_seconds if isinstance(error, KeysUnavailableError) else 1)


def _refusal(status: int, error: str, description: str, *, scope: str = "") -> Answer:
    challenge = f'{_CHALLENGE}, error="{error}", error_description="{description}"'
    if scope:
        challenge += f', scope="{scope}"'
    return _answer(status, error, description, challenge=challenge)


def _answer(
    status: int,
    error: str,
    description: str,
    *,
    challenge: str | None = None,
    retry_after_seconds: int | None = None,
) -> Answer:
    body = json.dumps({"error": error, "error_description": description}).encode()
    headers = [
        ("content-type", "application/json"),
        ("content-length", str(len(body))),
        ("cache-control", "no-store"),
    ]
    if challenge is not None:
        headers.append(("www-authenticate", challenge))
    if retry_after_seconds is not None:
        headers.append(("retry-after", str(retry_after_seconds)))
    return Answer(status, tuple(headers), body)

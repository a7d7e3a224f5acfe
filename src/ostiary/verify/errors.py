"""Why a request is not let through; each error is one status, and none is a 500.

What stands in a message is from closed lists or from the configuration. A token, or a part of it,
is never in one.
"""

from enum import StrEnum


class VerifyError(Exception):
    """Anything that this package raises on purpose."""


class ConfigurationError(VerifyError, ValueError):
    """A verifier, or a guard of a route, was made with something that cannot be.

    It is raised where they are made, and never by a request.
    """


class Reason(StrEnum):
    """Why a token is refused, in the words that the client is told (`error_description`)."""

    MALFORMED = "The access token cannot be read."
    TOO_LONG = "The access token is too long."
    TYPE = "This is not an access token."
    ALGORITHM = "The access token is signed by an algorithm that is not accepted."
    UNKNOWN_KEY = "The access token is signed by an unknown key."
    SIGNATURE = "The signature of the access token is wrong."
    ISSUER = "The access token is of another issuer."
    AUDIENCE = "The access token is for another audience."
    EXPIRED = "The access token has expired."
    NOT_YET = "The access token is not valid yet."
    CLAIM = "A claim of the access token is missing or cannot be."


class TokenRefusedError(VerifyError):
    """A token is not accepted: 401.

    `detail` says more, for the log: the name of a claim, never its value.
    """

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason} ({detail})" if detail else str(reason))
        self.reason = reason
        self.detail = detail


class UnknownKeyError(TokenRefusedError):
    """Nobody has published the key that a token names, as far as is known."""

    def __init__(self) -> None:
        super().__init__(Reason.UNKNOWN_KEY)


class KeysUnavailableError(VerifyError):
    """The keys cannot be had, so nothing can be said about a token: 503.

    `retry_after_seconds` is when the next attempt will have been made.
    """

    def __init__(self, retry_after_seconds: int) -> None:
        super().__init__("The issuer's keys cannot be had at the moment.")
        self.retry_after_seconds = retry_after_seconds

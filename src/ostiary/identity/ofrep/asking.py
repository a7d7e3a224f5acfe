"""What a request to evaluate flags says, and how far it is believed.

With a user's access token everything comes from the token and the account behind it: what the
request says about its user counts for nothing. A client that acts for itself says for whom it
asks, since it could as well ask for anybody.
"""

import json
from collections.abc import Mapping
from typing import Any

import falcon
from openfeature.exception import ErrorCode

from ostiary.identity.flags import Subject
from ostiary.identity.http.app import BODY_BYTES_MAX
from ostiary.identity.oauth.bearer import AccessToken

_KEY_LENGTH_MAX = 1000
_ROLES_MAX = 32


class BadEvaluationError(Exception):
    """A request that cannot be evaluated: answered 400 with a code of the specification."""

    def __init__(self, code: ErrorCode, details: str) -> None:
        super().__init__(details)
        self.code = code
        self.details = details


def read_context(request: falcon.Request) -> Mapping[str, Any]:
    """Return the evaluation context in a request's body; an empty one where there is none.

    Raises `BadEvaluationError`.
    """
    content = request.bounded_stream.read(BODY_BYTES_MAX + 1)
    if not content.strip():
        return {}
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise BadEvaluationError(ErrorCode.PARSE_ERROR, "The body is no JSON.") from None
    if not isinstance(body, dict):
        raise BadEvaluationError(ErrorCode.PARSE_ERROR, "The body is no JSON object.")
    context = body.get("context") or {}
    if not isinstance(context, dict):
        raise BadEvaluationError(ErrorCode.INVALID_CONTEXT, "`context` is no JSON object.")
    return context


def subject_in(context: Mapping[str, Any], token: AccessToken) -> Subject:
    """Return for whom a client asks that acts for itself. Raises `BadEvaluationError`."""
    key, roles = context.get("targetingKey"), context.get("roles", [])
    if key is not None and not (isinstance(key, str) and len(key) <= _KEY_LENGTH_MAX):
        raise BadEvaluationError(
            ErrorCode.INVALID_CONTEXT,
            f"`targetingKey` is text of at most {_KEY_LENGTH_MAX} characters.",
        )
    if not isinstance(roles, list) or len(roles) > _ROLES_MAX or not _are_texts(roles):
        raise BadEvaluationError(
            ErrorCode.INVALID_CONTEXT, f"`roles` is a list of at most {_ROLES_MAX} texts."
        )
    return Subject(key or None, frozenset(roles), token.client_id)


def _are_texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)

"""Reading submitted forms: `application/x-www-form-urlencoded`, each field at most once."""

from urllib.parse import parse_qsl

import falcon

from ostiary.identity.http.app import BODY_BYTES_MAX
from ostiary.identity.http.problems import ProblemError
from ostiary.kernel.outcomes import Outcome

_FIELDS_MAX = 50


def read_form(request: falcon.Request) -> dict[str, str]:
    """Return a form's fields.

    Raises `ProblemError` 400 for another content type, for bytes that are not UTF-8, for more
    than 50 fields, for a repeated field (RFC 6749, section 3.1 forbids repetition), and for a NUL
    character.
    """
    content_type = (request.content_type or "").partition(";")[0].strip().lower()
    if content_type != "application/x-www-form-urlencoded":
        raise _malformed("Send the form as application/x-www-form-urlencoded.")
    body = request.bounded_stream.read(BODY_BYTES_MAX + 1)
    if len(body) > BODY_BYTES_MAX:
        raise ProblemError(413, Outcome.TOO_LARGE, "The request body is larger than 64 KiB.")
    try:
        pairs = parse_qsl(
            body.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_FIELDS_MAX,
        )
    except ValueError:
        raise _malformed("The form must be UTF-8 text with at most 50 fields.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise _malformed("A form field is repeated.")
    if any("\0" in value for value in fields.values()):
        # PostgreSQL's texts cannot hold it, and nobody means it.
        raise _malformed("A form field holds a NUL character.")
    return fields


def _malformed(hint: str) -> ProblemError:
    return ProblemError(
        400, Outcome.INVALID_REQUEST, "The form could not be understood.", hint=hint
    )

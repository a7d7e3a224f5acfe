"""Reading the JSON bodies of admin requests."""

from typing import Annotated, TypeVar

import falcon
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ostiary.identity.http.app import BODY_BYTES_MAX
from ostiary.identity.http.problems import ProblemError
from ostiary.kernel.outcomes import Outcome

Body = TypeVar("Body", bound=BaseModel)


class NewUser(BaseModel):
    """Body of `POST /admin/users`. `probe` marks an account of the guard's own.

    `hash_format`, for those only, makes their hash as those of other accounts were made.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    email: str
    password: Annotated[str, Field(repr=False)]
    roles: list[str] = []
    probe: bool = False
    hash_format: str | None = None


def read_body(request: falcon.Request, kind: type[Body]) -> Body:
    """Return the request's JSON body as a `kind`.

    Raises `ProblemError` 400 that names the wrong keys; values are not repeated, since they may
    be secrets.
    """
    content = request.bounded_stream.read(BODY_BYTES_MAX + 1)
    try:
        return kind.model_validate_json(content)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'body'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:5]
        )
        raise ProblemError(
            400,
            Outcome.INVALID_REQUEST,
            f"The JSON body could not be understood. {wrong}.",
            hint=f"Known keys: {', '.join(kind.model_fields)}.",
        ) from None

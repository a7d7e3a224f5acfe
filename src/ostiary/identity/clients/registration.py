"""What an operator writes to register a client, and what makes it a registration that holds."""

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from ostiary.identity.clients.model import STANDARD_SCOPES, Client, hash_secret, is_client_id
from ostiary.identity.clients.redirect_uris import reason_not_to_register
from ostiary.identity.http.problems import ProblemError
from ostiary.kernel.ids import Random, new_id
from ostiary.kernel.outcomes import Outcome

_LIST_MAX = 50
_SECRET_BYTES = 32
_SHOWN_AT_MOST = 5
_SCOPE_TOKEN = re.compile(r"[!#-\[\]-~]{1,100}")

GrantType = Literal["authorization_code", "refresh_token", "client_credentials"]


def _client_id(text: str) -> str:
    if not is_client_id(text):
        raise ValueError("an id has 1 to 128 characters of A-Z a-z 0-9 . _ ~ -")
    return text


def _registrable(uri: str) -> str:
    reason = reason_not_to_register(uri)
    if reason is not None:
        raise ValueError(reason)
    return uri


def _scope_token(scope: str) -> str:
    """Accept a scope token (RFC 6749, section 3.3)."""
    if not _SCOPE_TOKEN.fullmatch(scope):
        raise ValueError('a scope has 1 to 100 visible ASCII characters without " and \\')
    return scope


_ClientId = Annotated[str, AfterValidator(_client_id)]
_Audience = Annotated[str, StringConstraints(pattern=r"\A[!-~]{1,255}\z")]
_Uris = Annotated[list[Annotated[str, AfterValidator(_registrable)]], Field(max_length=_LIST_MAX)]
_Scopes = Annotated[list[Annotated[str, AfterValidator(_scope_token)]], Field(max_length=_LIST_MAX)]


class ClientRegistration(BaseModel):
    """The body of `POST /admin/clients`. Durations are in seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    client_id: _ClientId | None = None
    redirect_uris: _Uris = []
    post_logout_redirect_uris: _Uris = []
    public: bool = False
    grants: Annotated[list[GrantType], Field(min_length=1)] = [
        "authorization_code",
        "refresh_token",
    ]
    scopes: _Scopes | None = None
    audience: _Audience | None = None
    probe: bool = False
    access_token_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "ClientRegistration":
        if self.public and "client_credentials" in self.grants:
            raise ValueError("a public client cannot use client_credentials (RFC 6749, 4.4)")
        uses_codes = "authorization_code" in self.grants
        if uses_codes and not self.redirect_uris:
            raise ValueError("authorization_code needs at least one of redirect_uris")
        if "refresh_token" in self.grants and not uses_codes:
            raise ValueError("refresh_token needs authorization_code beside it")
        if self.access_token_seconds is not None and not self.probe:
            raise ValueError("access_token_seconds is for probe clients only")
        return self


def read_registration(body: bytes) -> ClientRegistration:
    """Return the registration in a JSON body.

    Raises `ProblemError` 400 that names the first wrong fields.
    """
    try:
        return ClientRegistration.model_validate_json(body)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in item['loc']) or 'client'}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)[:_SHOWN_AT_MOST]
        )
        raise ProblemError(
            400,
            Outcome.INVALID_REQUEST,
            f"The client was not registered. {wrong}",
            hint="Correct the fields named and send it again.",
        ) from None


def new_client(
    registration: ClientRegistration, *, rng: Random, now: int
) -> tuple[Client, str | None]:
    """Return the client and its secret, which is not kept; None for a public client."""
    secret = None if registration.public else rng.token(_SECRET_BYTES)
    standard = STANDARD_SCOPES if "authorization_code" in registration.grants else ()
    scopes = standard if registration.scopes is None else registration.scopes
    client = Client(
        client_id=registration.client_id or new_id("app", rng),
        redirect_uris=tuple(registration.redirect_uris),
        post_logout_redirect_uris=tuple(registration.post_logout_redirect_uris),
        grants=frozenset(registration.grants),
        scopes=tuple(dict.fromkeys(scopes)),
        audience=registration.audience,
        access_token_seconds=registration.access_token_seconds,
        probe=registration.probe,
        created_at=now,
        secret_hash=None if secret is None else hash_secret(secret),
    )
    return client, secret

"""What a team writes about the provider that it guards: `[services.NAME.oidc]`.

Types and bounds of single values stand here, so that they appear in the schema; what the values
mean together is judged by `changes.rules.oidc_services`.
"""

from typing import Annotated, Literal

from pydantic import Field

from ostiary.kernel.settings import SettingsTable

ClientAuth = Literal["basic", "post"]
Word = Annotated[str, Field(min_length=1, max_length=1000)]


class OidcSettings(SettingsTable):
    """A client and an account of yours at the provider, which are there for the journeys alone."""

    issuer_path: Word | None = Field(
        None,
        description="Path of the issuer below the public address, such as `/op/realms/main`.",
        json_schema_extra={"unset": "the first route"},
    )
    client_id: Word = Field(description="Client that the journeys act as.")
    client_secret_file: Word | None = Field(
        None,
        description="File with the client's secret, read whenever journeys run; without it the "
        "client is a public one.",
        json_schema_extra={"unset": "a public client"},
    )
    client_auth: ClientAuth = Field(
        "basic", description="How the client proves itself: by HTTP Basic, or in the form."
    )
    redirect_uri: Word | None = Field(
        None,
        description="Address that the client has registered; nobody ever asks for it.",
        json_schema_extra={"unset": "nobody signs in"},
    )
    scope: Word = Field("openid", description="Scope to sign in for, `openid` among it.")
    username: Word | None = Field(
        None,
        description="Account that signs in. It should have no rights.",
        json_schema_extra={"unset": "nobody signs in"},
    )
    password_file: Word | None = Field(
        None,
        description="File with the account's password, read whenever journeys run.",
        json_schema_extra={"unset": "nobody signs in"},
    )
    username_field: Word = Field(
        "username", description="Name of the sign-in form's field for the account."
    )
    password_field: Word = Field(
        "password", description="Name of the sign-in form's field for the password."
    )
    refresh: bool = Field(
        False, description="Whether a sign-in gives a refresh token, which must then work."
    )
    client_credentials: bool = Field(
        False, description="Whether the client gets tokens for itself as well."
    )
    introspection: bool = Field(
        False, description="Whether the client may ask if a token is active."
    )

    @property
    def signs_in(self) -> bool:
        """Return whether there is an account to sign in with."""
        return self.username is not None

"""What a team writes about its own journeys: `[guard.journeys.NAME]`.

Types and bounds of single values stand here, so that they appear in the schema; what the values
mean together is judged by `changes.rules.journeys`.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ostiary.kernel.settings import SettingsTable

JOURNEYS_MAX = 50
STEPS_MAX = 50
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
Scalar = bool | int | float | str


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class BasicSettings(SettingsTable):
    """Who calls, by HTTP Basic (RFC 7617)."""

    user: str = Field(description="User or client id.")
    password: str = Field(
        description="Password or client secret, by an insert.", json_schema_extra={"secret": True}
    )


class ExpectSettings(SettingsTable):
    """What the answer to a step must be."""

    status: int = Field(description="Status of the answer.", ge=100, le=599)
    headers: Mapping[str, str] = Field(
        {}, description="Header by name, with exactly this value; inserts are filled in."
    )
    json_body: Mapping[str, Scalar] = Field(
        {}, description="Value by its path in a JSON body, exactly; inserts are filled in."
    )
    contains: str = Field("", description="Text that the body must hold; inserts are filled in.")
    match: Mapping[str, str] = Field(
        {}, description="Regular expression by source, or by `body`, to be found there."
    )
    absent: Annotated[tuple[str, ...], Field(strict=False), BeforeValidator(_as_tuple)] = Field(
        (), description="Sources for which the answer must have nothing."
    )


class StepSettings(SettingsTable):
    """One request, and what must come back."""

    name: str = Field(description="What the step is called where it fails; each step differs.")
    method: Method = Field("GET", description="Method of the request.")
    path: str = Field(description="Path at the issuer, or a captured location.")
    query: Mapping[str, str] = Field({}, description="Parameters to add to the path.")
    headers: Mapping[str, str] = Field({}, description="Headers of the request.")
    form: Mapping[str, str] = Field({}, description="Fields of a form to send.")
    json_body: Mapping[str, Any] = Field({}, description="JSON object to send.")
    text_body: str = Field("", description="Text to send as it is.")
    basic: BasicSettings | None = Field(None, description="Who calls, by HTTP Basic.")
    follow: bool = Field(False, description="Whether redirects within the issuer are followed.")
    seconds_max: float = Field(
        5.0,
        description="How long the step may take, redirects included.",
        ge=0.1,
        le=60,
        json_schema_extra={"unit": "seconds"},
    )
    expect: ExpectSettings = Field(description="What the answer must be.")
    capture: Mapping[str, str] = Field(
        {}, description="Values for later steps: a name, and the source to take it from."
    )


class JourneySettings(SettingsTable):
    """One journey: steps that follow each other, with cookies and captured values of their own."""

    vouches_for: str | None = Field(
        None, description="Class of routes, or kind in one, that counts as tried where it passes."
    )
    in_canary: bool = Field(
        True, description="Whether it also runs every few seconds while users meet the change."
    )
    steps: Annotated[tuple[StepSettings, ...], Field(strict=False), BeforeValidator(_as_tuple)] = (
        Field(
            description="The steps in their order.",
            json_schema_extra={"minItems": 1, "maxItems": STEPS_MAX},
        )
    )

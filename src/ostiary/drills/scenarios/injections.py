"""The kinds of faults that can be injected, told apart by `kind`."""

from typing import Annotated

from pydantic import Field

from ostiary.drills.scenarios.environment_kinds import EnvironmentKind

Injection = Annotated[EnvironmentKind, Field(discriminator="kind")]
"""One `[[fault.inject]]`; `injection.registry` has for each kind what injects it."""

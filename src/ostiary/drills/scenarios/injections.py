"""The kinds of faults that can be injected, told apart by `kind`."""

from typing import Annotated, Final, get_args

from pydantic import Field

from ostiary.drills.scenarios.environment_kinds import EnvironmentKind
from ostiary.drills.scenarios.injected import InjectedFault
from ostiary.drills.scenarios.process_kinds import ProcessKind

Injection = Annotated[EnvironmentKind | ProcessKind, Field(discriminator="kind")]
"""One `[[fault.inject]]`; `injection.registry` has for each kind what injects it."""

INJECTED: Final[tuple[type[InjectedFault], ...]] = (
    *get_args(EnvironmentKind),
    *get_args(ProcessKind),
)
"""The models of all kinds."""

"""What a scenario file may say of its fault: a change for the worse, or something that befalls."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ostiary.drills.faults import Edit
from ostiary.drills.scenarios.injections import Injection
from ostiary.drills.scenarios.texts import Words
from ostiary.kernel.settings import SettingsTable


class FaultKind(StrEnum):
    """What goes wrong: it decides how the fault is let loose.

    Of the first three a change is made. An injection is no change: it befalls a system that nobody
    has touched, and is removed again.
    """

    RELEASE = "release"
    SETTINGS = "settings"
    EDGE = "edge"
    INJECTION = "injection"


class Fault(SettingsTable):
    """What goes wrong: edits of a copied release, settings that are changed, or injected faults.

    `service` is whose release it is. Injected faults are there together, in this order, for the
    longest of their `seconds`, and are removed in the opposite order.
    """

    description: Words
    service: Literal["identity", "orders"] = "identity"
    edits: list[Edit] = Field([], max_length=50)
    settings: dict[Annotated[str, Field(pattern=r"^(identity|flags|edge)$")], dict[str, Any]] = (
        Field({})
    )
    inject: list[Injection] = Field([], max_length=5)

    @model_validator(mode="after")
    def _is_one_fault(self) -> "Fault":
        if [bool(self.edits), bool(self.settings), bool(self.inject)].count(True) != 1:
            raise ValueError(
                "a fault is either edits of a release, settings, or injected; write "
                "`[[fault.edits]]` with `file`, `old` and `new`, or `[fault.settings.identity]`, "
                "`.flags` or `.edge`, or `[[fault.inject]]` with `kind`"
            )
        return self

    @property
    def kind(self) -> FaultKind:
        """Return what goes wrong; settings of the edge alone need no new replicas."""
        if self.inject:
            return FaultKind.INJECTION
        if self.edits:
            return FaultKind.RELEASE
        return FaultKind.EDGE if set(self.settings) == {"edge"} else FaultKind.SETTINGS

    @property
    def seconds(self) -> float:
        """Return how long injected faults stay."""
        return max((each.seconds for each in self.inject), default=0.0)

"""What all faults have in common that are injected into a running system."""

from typing import Literal

from pydantic import Field

from ostiary.kernel.settings import SettingsTable

Database = Literal["sqlite", "postgresql"]


class InjectedFault(SettingsTable):
    """A fault that is injected, stays for a while, and is removed."""

    seconds: float = Field(15.0, ge=1, le=120)

    @property
    def database_needed(self) -> Database | None:
        """Return on which database alone there is such a fault; None where on any."""
        return None

"""What all faults have in common that are injected into a running system."""

from pydantic import Field

from ostiary.kernel.settings import SettingsTable


class InjectedFault(SettingsTable):
    """A fault that is injected, stays for a while, and is removed."""

    seconds: float = Field(15.0, ge=1, le=120)

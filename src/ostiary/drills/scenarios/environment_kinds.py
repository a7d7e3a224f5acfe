"""Faults of what a service stands on: its database, and the network around it.

`injection` has the module that does each of them.
"""

from typing import Literal

from ostiary.drills.scenarios.injected import InjectedFault


class DatabaseLocked(InjectedFault):
    """Somebody else holds the lock without which nothing can be written."""

    kind: Literal["database_locked"]


EnvironmentKind = DatabaseLocked
"""All kinds of this module."""

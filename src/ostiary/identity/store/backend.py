"""What a database has to do for the store, each in its own way."""

from typing import Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from ostiary.identity.store.failure import Failure


class Backend(Protocol):
    """What SQLite and PostgreSQL do each in their own way."""

    engine: Engine

    def begin(self, connection: Connection, *, durable: bool, seconds_max: float | None) -> None:
        """Begin a write. `seconds_max` is how long it may wait, None for the usual time."""
        ...

    def end(self, connection: Connection, *, seconds_max: float | None) -> None:
        """Take back what `begin` set for one transaction."""
        ...

    def roll_back(self, connection: Connection) -> None:
        """Undo a write, where there is something to undo."""
        ...

    def version(self) -> int | None:
        """Return a number that every commit of anybody changes; None where that is not known."""
        ...

    def close(self) -> None:
        """Let go of what is held beside the engine."""
        ...

    def probe(self, connection: Connection) -> None:
        """Ask the store for anything that it has to look up."""
        ...

    def explain(self, error: DBAPIError) -> Failure | None:
        """Return what an error says about the store; None for an error of the caller."""
        ...

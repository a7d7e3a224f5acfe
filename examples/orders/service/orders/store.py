"""Where orders are kept: an SQLite file that all replicas of the service share."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

_SECONDS_MAX = 5.0
_SHOWN = "SELECT id, item, quantity FROM orders"
_NEWEST = "ORDER BY id DESC LIMIT 100"


class Orders:
    """The orders of everybody."""

    def __init__(self, file: Path) -> None:
        """Make the table where it is missing. Raises `sqlite3.Error`."""
        self._file = file
        with self._connected() as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, owner TEXT NOT NULL, "
                "item TEXT NOT NULL, quantity INTEGER NOT NULL)"
            )
            connection.execute(
                "CREATE TABLE IF NOT EXISTS requests (id TEXT, owner TEXT, made INTEGER NOT NULL, "
                "PRIMARY KEY (id, owner))"
            )

    def add(self, owner: str, item: str, quantity: int, request: str | None) -> dict[str, Any]:
        """Keep an order and return it; asked again by the same request, return the one it made."""
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = "SELECT made FROM requests WHERE id = ? AND owner = ?"
            made = connection.execute(known, (request, owner)).fetchone()
            if made is not None:
                return {"id": made[0], "item": item, "quantity": quantity}
            cursor = connection.execute(
                "INSERT INTO orders (owner, item, quantity) VALUES (?, ?, ?)",
                (owner, item, quantity),
            )
            if request is not None:
                row = (request, owner, cursor.lastrowid)
                connection.execute("INSERT INTO requests VALUES (?, ?, ?)", row)
        return {"id": cursor.lastrowid, "item": item, "quantity": quantity}

    def of(self, owner: str) -> list[dict[str, Any]]:
        """Return the newest orders of one person."""
        return self._rows(f"{_SHOWN} WHERE owner = ? {_NEWEST}", owner)

    def all(self) -> list[dict[str, Any]]:
        """Return the newest orders of everybody."""
        return self._rows(f"{_SHOWN} {_NEWEST}")

    def _rows(self, query: str, *values: str) -> list[dict[str, Any]]:
        with self._connected() as connection:
            rows = connection.execute(query, values).fetchall()
        return [{"id": id_, "item": item, "quantity": quantity} for id_, item, quantity in rows]

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._file, timeout=_SECONDS_MAX)) as connection, connection:
            yield connection

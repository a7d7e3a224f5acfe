"""The tables of a store, as far as a release that reads and writes can rely on them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_LENGTH = re.compile(r"(VARCHAR|CHAR|CHARACTER VARYING)\((\d+)\)")
_INTEGERS = ("SMALLINT", "INTEGER", "BIGINT")
_TEXTS = ("VARCHAR", "TEXT")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `default` is what a row gets that does not name it, in SQL; None without one."""

    type: str
    nullable: bool
    default: str | None = None

    def holds_all_of(self, other: "Column") -> bool:
        """Return whether every value of the other one is one of this one, and read alike."""
        now, was = self.type, other.type
        if was in _INTEGERS and now in _INTEGERS:
            return _INTEGERS.index(now) >= _INTEGERS.index(was)
        short, long = _LENGTH.fullmatch(was), _LENGTH.fullmatch(now)
        if short is None or long is None:
            return now == was or ((short is not None or was in _TEXTS) and now in _TEXTS)
        return long[1] == short[1] and int(long[2]) >= int(short[2])


@dataclass(frozen=True, slots=True)
class Unique:
    """Columns (or expressions) that no two rows have alike; `where` limits it to some rows."""

    columns: tuple[str, ...]
    where: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key. `on_delete` is `CASCADE`, `SET NULL` and so on, empty for none."""

    columns: tuple[str, ...]
    table: str
    to: tuple[str, ...]
    on_delete: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table; `key` are the columns of its primary key."""

    columns: Mapping[str, Column]
    key: tuple[str, ...] = ()
    uniques: frozenset[Unique] = frozenset()
    references: frozenset[Reference] = frozenset()
    checks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Schema:
    """All tables by their names."""

    tables: Mapping[str, Table] = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Schema":
        """Return what this guard's own program described; raises `LookupError`, `TypeError`."""
        return cls({str(name): _table(table) for name, table in value["tables"].items()})


def _table(value: Mapping[str, Any]) -> Table:
    columns = {
        str(name): Column(str(each["type"]), bool(each["nullable"]), each["default"])
        for name, each in value["columns"].items()
    }
    return Table(
        columns,
        tuple(value["key"]),
        frozenset(Unique(tuple(each["columns"]), each["where"]) for each in value["uniques"]),
        frozenset(
            Reference(tuple(each["columns"]), each["table"], tuple(each["to"]), each["on_delete"])
            for each in value["references"]
        ),
        frozenset(value["checks"]),
    )

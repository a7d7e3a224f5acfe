"""The tables of a store, as far as a release that reads and writes can rely on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `default` is what a row gets that does not name it, in SQL; None without one."""

    type: str
    nullable: bool
    default: str | None = None


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

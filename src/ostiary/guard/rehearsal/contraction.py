"""Which differences between two schemas take something from a release that knew the first one.

Whoever reads must find its tables and columns, with values of the kind that it knows; whoever
writes must not be refused rows that were taken before. New tables and columns that may be empty
harm nobody: such a migration expands. Everything else contracts.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ostiary.guard.rehearsal.schema import Column, Reference, Schema, Table, Unique

_LETS_GO = frozenset({"CASCADE", "SET NULL", "SET DEFAULT"})


@dataclass(frozen=True, slots=True)
class Contraction:
    """One thing that a migration takes away or forbids, and what to write instead.

    It concerns whoever knows all of `columns` of `table`; the table alone where there are none.
    """

    code: str
    table: str
    columns: tuple[str, ...]
    text: str
    instead: str

    def is_needed_by(self, needs: Mapping[str, frozenset[str]] | None) -> bool:
        """Return whether a release with these needs (columns by table) is concerned.

        None are the needs of a release that does not tell them: it could need anything.
        """
        if needs is None:
            return True
        known = needs.get(self.table)
        return known is not None and known.issuperset(self.columns)


def contractions(before: Schema, after: Schema) -> tuple[Contraction, ...]:
    """Return every difference that contracts, in the order of tables."""
    return tuple(
        found
        for name, table in sorted(before.tables.items())
        for found in (
            _table_gone(name, table, before, after)
            if name not in after.tables
            else _table_changes(name, table, after.tables[name], before)
        )
    ) + tuple(_held_back(before, after))


def _table_gone(name: str, table: Table, before: Schema, after: Schema) -> Iterator[Contraction]:
    added = sorted(after.tables.keys() - before.tables.keys())
    alike = [new for new in added if after.tables[new].columns.keys() == table.columns.keys()]
    how = f"renames table `{name}` to `{alike[0]}`" if alike else f"drops table `{name}`"
    instead = (
        f"Add `{alike[0]}` beside `{name}`, write both, and drop `{name}`"
        if alike
        else f"Leave `{name}` as it is, and drop it"
    )
    yield Contraction("table_dropped", name, (), how, f"{instead} {_LATER}")


_LATER = "when no release that may come back uses it."


def _table_changes(name: str, old: Table, new: Table, before: Schema) -> Iterator[Contraction]:
    for column in sorted(old.columns.keys() - new.columns.keys()):
        yield _column_gone(name, column, old, new)
    for column in sorted(old.columns.keys() & new.columns.keys()):
        yield from _column_changes(name, column, old.columns[column], new.columns[column])
    for column in sorted(new.columns.keys() - old.columns.keys()):
        yield from _column_added(name, column, new.columns[column])
    if old.key != new.key and set(old.key) <= new.columns.keys():
        words = f"changes the primary key of `{name}` from {_list(old.key)} to {_list(new.key)}"
        yield Contraction(
            "key_changed", name, old.key, words, "Add a new table with the other key beside it."
        )
    yield from _uniques(name, old, new)
    yield from _references(name, old, new, before)
    yield from _checks(name, old, new)


def _column_gone(name: str, column: str, old: Table, new: Table) -> Contraction:
    kind = old.columns[column].type
    alike = [
        each
        for each in sorted(new.columns.keys() - old.columns.keys())
        if new.columns[each].type == kind
    ]
    if len(alike) == 1:
        how = f"renames column `{name}.{column}` to `{alike[0]}`"
        instead = f"Add `{alike[0]}` beside it, write both, and drop `{column}` {_LATER}"
    else:
        how = f"drops column `{name}.{column}`"
        instead = f"Leave it, let it be NULL or have a default, and drop it {_LATER}"
    return Contraction("column_dropped", name, (column,), how, instead)


def _column_changes(name: str, column: str, old: Column, new: Column) -> Iterator[Contraction]:
    where, own = f"column `{name}.{column}`", (column,)
    if old.type != new.type and not new.holds_all_of(old):
        how = f"changes {where} from {old.type} to {new.type}"
        instead = f"Add another column of type {new.type}, write both, and drop this one {_LATER}"
        yield Contraction("type_changed", name, own, how, instead)
    if old.nullable and not new.nullable:
        instead = f"Leave it as it may be NULL now, and forbid that {_LATER}"
        yield Contraction("not_null_added", name, own, f"lets {where} be NULL no more", instead)
    if old.default is not None and new.default is None and not new.nullable:
        how = f"takes the default {old.default} from {where}"
        yield Contraction("default_dropped", name, own, how, f"Leave the default {_LATER}")


def _column_added(name: str, column: str, new: Column) -> Iterator[Contraction]:
    if not new.nullable and new.default is None:
        how = f"adds column `{name}.{column}`, which must not be NULL and has no default"
        instead = "Add it with a default, or let it be NULL: other releases do not write it."
        yield Contraction("not_null_without_default", name, (), how, instead)


def _uniques(name: str, old: Table, new: Table) -> Iterator[Contraction]:
    for unique in sorted(new.uniques - old.uniques, key=_by_columns):
        if not _may_stay_empty(unique.columns, old, new):
            known = tuple(each for each in unique.columns if each in old.columns)
            how = f"demands that {_list(unique.columns)} of `{name}` be unique"
            instead = f"Make it unique {_LATER}"
            yield Contraction("unique_added", name, known, how, instead)
    for unique in sorted(old.uniques - new.uniques, key=_by_columns):
        if all(each in new.columns for each in unique.columns):
            how = f"lets {_list(unique.columns)} of `{name}` be unique no more"
            instead = f"Leave it: rows are written by it. Drop it {_LATER}"
            known = tuple(each for each in unique.columns if each in old.columns)
            yield Contraction("unique_dropped", name, known, how, instead)


def _references(name: str, old: Table, new: Table, before: Schema) -> Iterator[Contraction]:
    for each in sorted(new.references - old.references, key=_by_columns):
        how = f"demands that {_list(each.columns)} of `{name}` be found in `{each.table}`"
        if not _may_stay_empty(each.columns, old, new):
            known = tuple(column for column in each.columns if column in old.columns)
            instead = f"Add the foreign key {_LATER}"
            yield Contraction("reference_added", name, known, how, instead)
        else:
            yield from _keeps_rows(name, each, before)
    for each in sorted(old.references - new.references, key=_by_columns):
        if all(column in new.columns for column in each.columns):
            how = f"drops the foreign key of {_list(each.columns)} of `{name}` to `{each.table}`"
            instead = f"Leave it: rows end with those that they refer to. Drop it {_LATER}"
            yield Contraction("reference_dropped", name, each.columns, how, instead)


def _held_back(before: Schema, after: Schema) -> Iterator[Contraction]:
    """Yield the foreign keys of new tables by which other releases cannot delete any more."""
    for name in sorted(after.tables.keys() - before.tables.keys()):
        for each in sorted(after.tables[name].references, key=_by_columns):
            yield from _keeps_rows(name, each, before)


def _keeps_rows(name: str, each: Reference, before: Schema) -> Iterator[Contraction]:
    if each.table in before.tables and each.on_delete not in _LETS_GO:
        how = (
            f"lets {_list(each.columns)} of `{name}` refer to `{each.table}` in a way that keeps "
            "others from deleting there"
        )
        instead = "Write ON DELETE CASCADE or SET NULL: other releases do not know the rows."
        yield Contraction("deletion_blocked", each.table, (), how, instead)


def _checks(name: str, old: Table, new: Table) -> Iterator[Contraction]:
    for check in sorted(new.checks - old.checks):
        words = set(re.findall(r"\w+", check))
        known = tuple(sorted(words & old.columns.keys()))
        if known or not words & new.columns.keys():
            how = f"demands of `{name}` that {check}"
            yield Contraction("check_added", name, known, how, f"Add the check {_LATER}")


def _may_stay_empty(columns: tuple[str, ...], old: Table, new: Table) -> bool:
    """Return whether rows of other releases escape: they leave one of the columns NULL."""
    added = [new.columns[each] for each in columns if each in new.columns.keys() - old.columns]
    return any(each.nullable and each.default is None for each in added)


def _by_columns(each: Unique | Reference) -> tuple[str, ...]:
    return each.columns


def _list(columns: tuple[str, ...]) -> str:
    return ", ".join(f"`{each}`" for each in columns)

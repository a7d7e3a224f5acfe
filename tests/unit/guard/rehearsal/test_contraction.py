"""What a migration may do beside an older release, and what it must not, each named."""

from dataclasses import replace

import pytest

from ostiary.guard.rehearsal.contraction import Contraction, contractions
from ostiary.guard.rehearsal.schema import Column, Reference, Schema, Table, Unique

USERS = Table(
    columns={
        "id": Column("TEXT", nullable=False),
        "email": Column("TEXT", nullable=False),
        "logins": Column("INTEGER", nullable=False, default="0"),
        "name": Column("VARCHAR(40)", nullable=True),
    },
    key=("id",),
    uniques=frozenset({Unique(("email",))}),
    references=frozenset({Reference(("name",), "names", ("name",), "CASCADE")}),
)
BEFORE = Schema({"users": USERS})
EMPTY = Column("TEXT", nullable=True)


def users(**fields) -> Schema:
    return Schema({"users": replace(USERS, **fields)})


def columns(**changed: Column | None) -> Schema:
    merged = {**USERS.columns, **changed}
    return users(columns={name: each for name, each in merged.items() if each is not None})


def with_table(table: Table) -> Schema:
    return Schema({**BEFORE.tables, "badges": table})


EXPANDING = {
    "nothing": BEFORE,
    "a table": with_table(Table({"id": Column("TEXT", nullable=False)}, ("id",))),
    "a column that may be empty": columns(nickname=EMPTY),
    "a column with a default": columns(level=Column("INTEGER", nullable=False, default="1")),
    "a column that may be empty now": columns(email=Column("TEXT", nullable=True)),
    "a default": columns(name=Column("VARCHAR(40)", nullable=True, default="'x'")),
    "a longer text": columns(name=Column("VARCHAR(80)", nullable=True)),
    "any text": columns(name=Column("TEXT", nullable=True)),
    "larger numbers": columns(logins=Column("BIGINT", nullable=False, default="0")),
    "a unique column that others leave empty": users(
        columns={**USERS.columns, "nickname": EMPTY},
        uniques=USERS.uniques | {Unique(("nickname",)), Unique(("email", "nickname"))},
    ),
    "a reference that others leave empty": users(
        columns={**USERS.columns, "boss": EMPTY},
        references=USERS.references | {Reference(("boss",), "users", ("id",), "SET NULL")},
    ),
    "a check of a new column": users(
        columns={**USERS.columns, "nickname": EMPTY}, checks=frozenset({"nickname <> ''"})
    ),
    "a table that goes with those that it refers to": with_table(
        Table(
            {"of": EMPTY}, references=frozenset({Reference(("of",), "users", ("id",), "CASCADE")})
        )
    ),
    "a table that refers to a new one": Schema(
        {
            **BEFORE.tables,
            "kinds": Table({"id": EMPTY}),
            "badges": Table(
                {"kind": EMPTY}, references=frozenset({Reference(("kind",), "kinds", ("id",))})
            ),
        }
    ),
}


@pytest.mark.parametrize("after", EXPANDING.values(), ids=EXPANDING)
def test_what_only_adds_expands(after):
    assert contractions(BEFORE, after) == ()


CONTRACTING = {
    "drops a table": (Schema({}), "table_dropped", "drops table `users`"),
    "renames a table": (
        Schema({"people": USERS}),
        "table_dropped",
        "renames table `users` to `people`",
    ),
    "drops a column": (columns(name=None), "column_dropped", "drops column `users.name`"),
    "renames a column": (
        columns(name=None, full_name=Column("VARCHAR(40)", nullable=True)),
        "column_dropped",
        "renames column `users.name` to `full_name`",
    ),
    "another type": (
        columns(logins=Column("TEXT", nullable=False, default="0")),
        "type_changed",
        "changes column `users.logins` from INTEGER to TEXT",
    ),
    "a shorter text": (
        columns(name=Column("VARCHAR(20)", nullable=True)),
        "type_changed",
        "from VARCHAR(40) to VARCHAR(20)",
    ),
    "smaller numbers": (
        columns(logins=Column("SMALLINT", nullable=False, default="0")),
        "type_changed",
        "from INTEGER to SMALLINT",
    ),
    "not empty any more": (
        columns(name=Column("VARCHAR(40)", nullable=False, default="''")),
        "not_null_added",
        "lets column `users.name` be NULL no more",
    ),
    "no default any more": (
        columns(logins=Column("INTEGER", nullable=False)),
        "default_dropped",
        "takes the default 0 from column `users.logins`",
    ),
    "a column that has to be written": (
        columns(level=Column("INTEGER", nullable=False)),
        "not_null_without_default",
        "adds column `users.level`",
    ),
    "another key": (users(key=("id", "email")), "key_changed", "primary key of `users`"),
    "unique from now on": (
        users(uniques=USERS.uniques | {Unique(("name",))}),
        "unique_added",
        "demands that `name` of `users` be unique",
    ),
    "unique with a default that all others would have": (
        users(
            columns={**USERS.columns, "slot": Column("INTEGER", nullable=True, default="1")},
            uniques=USERS.uniques | {Unique(("slot",))},
        ),
        "unique_added",
        "`slot`",
    ),
    "unique no more": (users(uniques=frozenset()), "unique_dropped", "lets `email` of `users`"),
    "a reference of a column that others write": (
        users(references=USERS.references | {Reference(("email",), "mails", ("id",), "CASCADE")}),
        "reference_added",
        "demands that `email` of `users` be found in `mails`",
    ),
    "no reference any more": (
        users(references=frozenset()),
        "reference_dropped",
        "drops the foreign key of `name`",
    ),
    "a check of what others write": (
        users(checks=frozenset({"length(email) < 10"})),
        "check_added",
        "demands of `users` that length(email) < 10",
    ),
    "a new table that keeps others from deleting": (
        with_table(
            Table({"of": EMPTY}, references=frozenset({Reference(("of",), "users", ("id",))}))
        ),
        "deletion_blocked",
        "keeps others from deleting there",
    ),
    "a new column that keeps others from deleting": (
        users(
            columns={**USERS.columns, "boss": EMPTY},
            references=USERS.references | {Reference(("boss",), "users", ("id",), "NO ACTION")},
        ),
        "deletion_blocked",
        "lets `boss` of `users` refer to `users`",
    ),
}


@pytest.mark.parametrize(("after", "code", "words"), CONTRACTING.values(), ids=CONTRACTING)
def test_what_takes_or_forbids_contracts_and_says_what_to_write_instead(after, code, words):
    (found,) = contractions(BEFORE, after)
    assert found.code == code
    assert words in found.text
    assert found.instead.endswith(".")


def test_everything_that_contracts_is_named():
    after = users(columns={"id": USERS.columns["id"]}, uniques=frozenset(), references=frozenset())
    assert [each.columns for each in contractions(BEFORE, after)] == [
        ("email",),
        ("logins",),
        ("name",),
    ]


@pytest.mark.parametrize(
    ("needs", "concerned"),
    [
        (None, True),
        ({"users": frozenset({"name", "id"})}, True),
        ({"users": frozenset({"id"})}, False),
        ({"mails": frozenset({"name"})}, False),
    ],
    ids=["does not tell", "uses it", "leaves it alone", "has another of that name"],
)
def test_only_a_release_that_uses_a_thing_needs_it(needs, concerned):
    dropped = Contraction("column_dropped", "users", ("name",), "", "")
    assert dropped.is_needed_by(needs) is concerned

"""`INSERT … ON CONFLICT`, which SQLite and PostgreSQL spell alike but SQLAlchemy keeps apart."""

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert_into(connection: Connection, table: Table) -> Insert:
    """Return an INSERT that offers `on_conflict_do_nothing` and `on_conflict_do_update`.

    A conflict that is met this way leaves the transaction usable; on PostgreSQL a failed INSERT
    would not. The result's `rowcount` is 1 where a row was stored or updated, and 0 where the
    conflict left everything as it was.
    """
    return insert_for(connection.dialect.name, table)


def insert_for(dialect_name: str, table: Table) -> Insert:
    """Return the same for a dialect's name, for statements that are built once and kept."""
    insert = postgresql.insert if dialect_name == "postgresql" else sqlite.insert
    statement: Insert = insert(table)
    # Without this the count of an INSERT is lost with some drivers, and reads -1.
    return statement.execution_options(preserve_rowcount=True)

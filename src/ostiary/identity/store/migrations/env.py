"""Alembic environment: migrations run on the connection that the caller holds."""

from alembic import context

from ostiary.identity.store.schema import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata)
context.run_migrations()

"""Alembic's environment and the numbered revisions of the store's tables."""

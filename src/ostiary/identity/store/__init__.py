"""The login service's own store: tables, transactions and migrations on SQLite or PostgreSQL."""

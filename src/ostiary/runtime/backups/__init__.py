"""Backups: one archive of everything that a system keeps, and the way back from it."""

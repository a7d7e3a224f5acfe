"""Ostiary: a login service that survives its own changes."""

__version__ = "0.1.0"

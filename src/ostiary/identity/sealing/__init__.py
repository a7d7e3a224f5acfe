"""Secrets at rest: sealed under a key that is not in the store."""

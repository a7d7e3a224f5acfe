"""Checking a token: pure, by the keys and the time that it is given."""

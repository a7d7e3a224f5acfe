"""Accounts: who can sign in, with which roles."""

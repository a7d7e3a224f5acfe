"""The login service: accounts, sessions, OAuth 2.0 and OpenID Connect.

It knows nothing of the control plane. One process of it is a replica; the replica reads one
immutable configuration file at its start, and a new setting is a new replica.
"""

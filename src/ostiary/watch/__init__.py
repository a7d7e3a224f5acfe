"""What watches the service from outside: journeys that sign in as a user and a client would.

The slice speaks HTTP like anybody else; it imports nothing of identity. `relying_party` is the
client side of OpenID Connect, `journeys` are the named paths that must work and must be refused.
"""

"""Journeys through any OpenID provider, told by its discovery document alone.

The journeys of `watch.journeys` hold Ostiary's own login service to what it promises. Here it is
somebody else's server, so only what the standards demand is demanded, and what last good does too.
"""

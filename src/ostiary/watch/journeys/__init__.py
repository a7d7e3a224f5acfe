"""Journeys: what must work and what must be refused, tried out from outside as a user would.

`rehearsal` runs the full set against replicas that no user reaches, `pinned` a quick set through
the edge. What a journey is made of stands in `actor`, the paths themselves in `sign_in`,
`sign_up`, `refusals`, `token_refusals` and `cross_version`.
"""

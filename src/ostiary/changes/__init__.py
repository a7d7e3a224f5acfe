"""How a change comes about and ends: settings, snapshots, stages, evidence, verdicts.

This slice decides; it starts no process and talks to no network. `runtime` runs replicas, `edge`
routes to them, and `guard` puts all of it together.
"""

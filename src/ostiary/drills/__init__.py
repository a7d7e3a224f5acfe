"""Drills: replaying an outage on real processes and counting what users felt.

`traffic` sends simulated users, in a process of its own; `ledger` is its record and the only truth
of a drill; `scoring` reads numbers from it; `faults` are the bugs that a drilled release has.
"""

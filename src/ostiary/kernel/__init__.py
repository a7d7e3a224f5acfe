"""What every slice may use: clock, ids, errors, outcomes, hashing, journal, settings primitives.

The kernel imports nothing of the rest of Ostiary and does no network I/O.
"""

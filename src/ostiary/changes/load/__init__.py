"""How much of the load each replica would get, and whether it can carry it.

Pure functions of settings and of what is known of the running system. `shares` and what it rests
on say who gets what, `judging` holds that against the limits. What is said to people about it
stands in `changes.rules.load`.
"""

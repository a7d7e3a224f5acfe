"""Work on the whole store that no request does.

Taking all rows out, putting them in, sealing anew; copying the store, telling what it looks like,
and migrating it within limits. It runs as a process of its own, `python -m
ostiary.identity.maintenance`, started by the command line or the guard: only identity knows what
its store looks like, and each release knows only its own.
"""

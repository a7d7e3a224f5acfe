"""Work on the whole store that no request does: taking all rows out, putting them in, sealing anew.

It runs as a process of its own, `python -m ostiary.identity.maintenance`, started by the command
line: only identity knows what its store looks like.
"""

"""One rule per function about settings that are well typed but would do harm.

A rule looks at one thing and yields what it objects to; it knows nothing of files. The list of
all rules stands in `changes.checks`.
"""

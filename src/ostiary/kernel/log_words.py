"""Words in the logs of replicas that the guard looks for."""

from typing import Final

PERIODIC_WORK_FAILED: Final = "periodic work failed"
"""What is done beside requests broke with an exception that nobody had thought of: a bug.

The line begins with the `name` of the work.
"""

"""What an error of a database says about the store."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the store could not be used, in words that hold no values and no address.

    `waited`: time was lost, so that others had better not try at the same time. `locked`: the
    server ended that wait, and it was for a lock of somebody else's. `damaged`: the store's
    content is not what it wrote; asking again will not help. `outdated`: the connection is to be
    made anew, since it leads to a server that no longer takes writes, or to a file as it was.
    """

    reason: str
    waited: bool = False
    locked: bool = False
    damaged: bool = False
    outdated: bool = False

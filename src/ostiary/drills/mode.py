"""What stands between the bad change and the users."""

from enum import StrEnum


class Mode(StrEnum):
    """What stands between the bad change and the users."""

    UNGUARDED = "unguarded"
    GUARDED = "guarded"
    ESCAPED = "escaped"

"""What is wrong with what a change was told."""

from ostiary.kernel.errors import RefusedError


class IllegalEventError(AssertionError):
    """An event that cannot happen in this phase: a bug in whoever sent it, never an operator's."""


class CommandRefusedError(RefusedError):
    """An operator's command that makes no sense for the change as it is; nothing was changed."""

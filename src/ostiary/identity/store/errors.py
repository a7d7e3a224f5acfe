"""What callers see of a store that does not answer."""

from ostiary.kernel.errors import ExitCode, OstiaryError


class StoreUnavailableError(OstiaryError):
    """The store did not answer in time, or at all. A server fault, never the user's.

    `detail` says what kept it from answering, without addresses or bound values; for logs.
    `is_busy`: it answers others, so that what is remembered of it must not stand for its answer.
    """

    exit_code = ExitCode.REFUSED

    def __init__(self, detail: str, *, is_busy: bool = False) -> None:
        super().__init__(
            "store_unavailable",
            "The account store does not answer right now.",
            hint="Try again in a moment.",
            detail=detail,
        )
        self.is_busy = is_busy


class StoreDamagedError(StoreUnavailableError):
    """The store's content is not what was written. Waiting does not help."""

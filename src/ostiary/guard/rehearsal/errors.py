"""Why a candidate must not meet the store."""

from ostiary.changes.model import Reason
from ostiary.kernel.errors import ExitCode, OstiaryError


class StoreTrialError(OstiaryError):
    """A candidate must not meet the store; `reasons` say why, the first one is the message."""

    exit_code = ExitCode.REHEARSAL_FAILED

    def __init__(self, *reasons: Reason) -> None:
        super().__init__(reasons[0].code, reasons[0].text)
        self.reasons = reasons

"""Pauses between tries of what does not succeed, and how often that is worth a word."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ostiary.guard.history import SUPERVISION_FAILED
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.journal import Journal, JournalError

_FIRST_SECONDS = 0.5


class Patience:
    """Doubles its pause with every failure in a row, up to `seconds_max`."""

    def __init__(self, seconds_max: float) -> None:
        self._seconds_max = seconds_max
        self._pause = 0.0
        self._said = ""

    def failed(self, words: str) -> tuple[float, bool]:
        """Return how long to wait now, and whether the failure is news.

        It is while the pause grows, and whenever the words are others.
        """
        before = self._pause
        self._pause = min(max(before * 2, _FIRST_SECONDS), self._seconds_max)
        is_news = self._pause > before or words != self._said
        self._said = words
        return self._pause, is_news

    def succeeded(self) -> None:
        """Forget the failures."""
        self._pause = 0.0
        self._said = ""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How often something is done, and how long the pauses get while it fails; in seconds."""

    every: float
    pause_max: float


async def keep_doing(
    work: Callable[[], Awaitable[None]], rhythm: Rhythm, *, what: str, journal: Journal
) -> None:
    """Do something for ever. What cannot be done now is journalled as `what`, and tried again.

    Raises `JournalError`, and whatever is neither an `OstiaryError` nor an `OSError`.
    """
    patience = Patience(rhythm.pause_max)
    while True:
        pause = rhythm.every
        try:
            await work()
            patience.succeeded()
        except JournalError:
            raise
        except (OstiaryError, OSError) as error:
            pause, is_news = patience.failed(str(error))
            if is_news:
                journal_failure(journal, what, error)
        await asyncio.sleep(pause)


def journal_failure(journal: Journal, what: str, error: Exception) -> None:
    """Journal that looking after something failed."""
    journal.append(SUPERVISION_FAILED, None, {"what": what, "message": str(error)})

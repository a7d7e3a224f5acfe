"""Pauses between tries of what does not succeed, and how often that is worth a word."""

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

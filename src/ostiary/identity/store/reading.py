"""Reading for one request, without asking again what nobody can have changed.

A store that is a file tells in a few microseconds whether anybody, in whichever process, has
committed anything to it. As long as nobody has, what it answered before is what it would answer
now: nothing is refused later, or granted longer, than if it were asked. A server cannot tell that
without being asked itself, so there each question is put.
"""

from collections.abc import Callable, Hashable
from contextlib import AbstractContextManager, ExitStack
from typing import TypeVar, cast

from sqlalchemy import Connection

Answer = TypeVar("Answer")

ANSWERS_MAX = 10_000
"""How many answers are kept; then all are forgotten, as after a commit."""


class Unchanged:
    """The answers of the store since its latest commit. Thread-safe."""

    def __init__(self, version: Callable[[], int | None]) -> None:
        """`version` changes with every commit; None says that it is not known."""
        self._version = version
        self._state: tuple[int | None, dict[Hashable, object]] = (None, {})

    def ask(self, key: Hashable, question: Callable[[], Answer]) -> Answer:
        """Return the answer to a question, which is always the same for a key."""
        version = self._version()
        if version is None:
            return question()
        at, answers = self._state
        if at != version or len(answers) >= ANSWERS_MAX:
            answers = {}
            self._state = (version, answers)
        if key in answers:
            return cast("Answer", answers[key])
        # It is of this version or of a later one, which will be noticed by whoever asks next.
        answers[key] = answer = question()
        return answer


class Reading(ExitStack):
    """One request's reading: a context whose connection is opened when it is first needed."""

    def __init__(
        self, read: Callable[[], AbstractContextManager[Connection]], unchanged: Unchanged
    ) -> None:
        super().__init__()
        self._read = read
        self._unchanged = unchanged
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """Return the connection. Raises `StoreUnavailableError`, as the store's `read` does."""
        if self._connection is None:
            self._connection = self.enter_context(self._read())
        return self._connection

    def ask(self, key: Hashable, question: Callable[[Connection], Answer]) -> Answer:
        """Return the answer to a question; the one of before where nobody has written since.

        `key` is the question in short. Raises `StoreUnavailableError`.
        """
        return self._unchanged.ask(key, lambda: question(self.connection))

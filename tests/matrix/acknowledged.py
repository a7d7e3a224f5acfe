"""What the service has acknowledged to its users, and must therefore never forget.

Only what was answered with success stands here. Where no answer came, or a server fault, nobody
can know what became of the request, and the user, session or token is left out from then on.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ostiary.drills.traffic_plan import Person
from ostiary.watch.relying_party.cookies import CookieJar
from ostiary.watch.relying_party.grants import TokenSet


@dataclass(slots=True, eq=False)
class KeptSession:
    """A device that is signed in, or was. `person` is whose."""

    person: Person
    jar: CookieJar
    tokens: TokenSet | None = None
    """What an application got by it: these end with the session."""


@dataclass(slots=True, eq=False)
class KeptFamily:
    """The tokens of one grant: the newest, and the one before where it was replaced."""

    person: Person
    tokens: TokenSet
    replaced: TokenSet | None = None
    certain: bool = True
    """Whether the newest refresh token is known to be unused."""


@dataclass(slots=True)
class Acknowledged:
    """Everything that must still be true when all faults are over."""

    accounts: dict[str, Person] = field(default_factory=dict)
    """Added or signed up, and not disabled, by address."""
    disabled: dict[str, Person] = field(default_factory=dict)
    sessions: list[KeptSession] = field(default_factory=list)
    ended: list[KeptSession] = field(default_factory=list)
    """Signed out, or of a user who was disabled."""
    families: list[KeptFamily] = field(default_factory=list)
    _busy: "Counter[str]" = field(default_factory=Counter)

    @contextmanager
    def borrowed(self, kept: KeptSession) -> Iterator[None]:
        """Keep others from ending a session, or its account, while somebody uses it."""
        self.drop_sessions([kept])
        self._busy[kept.person.email] += 1
        try:
            yield
        finally:
            self._busy[kept.person.email] -= 1
            self.sessions.append(kept)

    def idle_accounts(self) -> list[Person]:
        return [person for email, person in self.accounts.items() if not self._busy[email]]

    def sessions_of(self, person: Person) -> list[KeptSession]:
        return [kept for kept in self.sessions if kept.person.email == person.email]

    def drop_sessions(self, sessions: list[KeptSession]) -> None:
        self.sessions = [kept for kept in self.sessions if kept not in sessions]

    def summary(self) -> str:
        return (
            f"{len(self.accounts)} accounts, {len(self.disabled)} disabled, "
            f"{len(self.sessions)} sessions, {len(self.ended)} ended, "
            f"{len(self.families)} token families"
        )

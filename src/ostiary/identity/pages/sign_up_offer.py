"""Whether somebody new may sign up, and whether a page leads them there.

The setting `identity.sign_up` decides first: where it is false, no flag opens anything. Where it
is true, a flag can close sign-up, or only leave the link out, for everybody or for some.
"""

from dataclasses import dataclass

from ostiary.identity.flags import NOBODY, Flags, Subject
from ostiary.identity.flags.definition import SIGN_UP_OFFERED, SIGN_UP_OPEN


@dataclass(frozen=True, slots=True)
class SignUpOffer:
    """Answers both questions for one visitor at a time."""

    flags: Flags
    allowed: bool

    def is_open(self, visitor: Subject) -> bool:
        """Return whether the visitor may make an account."""
        return self.allowed and self.flags.is_on(SIGN_UP_OPEN, default=True, who=visitor)

    def is_shown(self, visitor: Subject = NOBODY) -> bool:
        """Return whether a page should lead the visitor there."""
        return self.is_open(visitor) and self.flags.is_on(
            SIGN_UP_OFFERED, default=True, who=visitor
        )

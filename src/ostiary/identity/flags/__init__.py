"""Feature flags by OpenFeature: what they are, who gets which value, and how code reads them.

A flip is a change of the snapshot, so nothing here ever changes while a replica lives. Code of a
release reads a flag by `Flags` and says for whom by a `Subject`.
"""

from ostiary.identity.flags.evaluation import NOBODY, Subject
from ostiary.identity.flags.reading import Flags

__all__ = ["NOBODY", "Flags", "Subject"]

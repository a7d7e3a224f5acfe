"""What the gate before password hashes has done."""

from dataclasses import dataclass, field

from ostiary.identity.passwords.admission import Priority


@dataclass(slots=True)
class GateCounts:
    """What the gate has done so far; `hashed` and `shed` by priority, times in seconds."""

    waiting: int = 0
    running: int = 0
    hash_seconds: float = 0.0
    wait_seconds: float = 0.0
    hashed: dict[Priority, int] = field(default_factory=lambda: dict.fromkeys(Priority, 0))
    shed: dict[Priority, int] = field(default_factory=lambda: dict.fromkeys(Priority, 0))

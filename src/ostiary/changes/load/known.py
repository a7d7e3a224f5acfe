"""What a running system tells about load; a settings file alone says only what stands in it."""

from dataclasses import dataclass

from ostiary.changes.load.keys import KeySkew


@dataclass(frozen=True, slots=True)
class KnownLoad:
    """Measured and counted figures in sign-ins a second; what is not known is None.

    `capacity` is that of one replica of the last good snapshot while all of them work,
    `candidate_capacity` the same of what is proposed. `busiest_minute` is what all replicas
    together got. `keys` is how requests fall on client addresses.
    """

    capacity: float | None = None
    candidate_capacity: float | None = None
    busiest_minute: float | None = None
    keys: KeySkew | None = None


NO_LOAD_KNOWN = KnownLoad()

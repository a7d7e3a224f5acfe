"""Who an operator is."""

from dataclasses import dataclass

from ostiary.changes.operator_settings import Role


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody whom the guard knows: under which name it goes into the record, and the role."""

    name: str
    role: Role

"""What an account is."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    """One person who can sign in.

    `email` is as the person wrote it; `email_key` is its normalised form, by which it is unique.
    `probe` marks the guard's own accounts, which have no roles and are left out of user counts.
    `created_at` is in Unix seconds.
    """

    id: str
    email: str
    email_key: str
    roles: tuple[str, ...]
    disabled: bool
    probe: bool
    created_at: int
    password_hash: str = field(repr=False)

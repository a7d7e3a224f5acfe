"""Making a new account out of what a person or an operator typed."""

from collections.abc import Iterable

from ostiary.identity.accounts.addresses import parse_address
from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.roles import parse_roles
from ostiary.identity.passwords.admission import Priority
from ostiary.identity.passwords.claims import Claim
from ostiary.identity.passwords.formats import HashFormat
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.passwords.policy import require_acceptable
from ostiary.kernel.clock import Clock, to_unix
from ostiary.kernel.ids import Random

_ID_BYTES = 8
_OPERATOR = Claim(Priority.KNOWN)


class AccountCreation:
    """Checks the parts of an account and hashes its password; stores nothing."""

    def __init__(self, hasher: PasswordHasher, clock: Clock, rng: Random) -> None:
        self._hasher = hasher
        self._clock = clock
        self._rng = rng

    def prepare(
        self,
        email: str,
        password: str,
        *,
        roles: Iterable[str] = (),
        probe: bool = False,
        claim: Claim = _OPERATOR,
        hashed_as: HashFormat | None = None,
    ) -> Account:
        """Return the new account. Takes the time of one hash: no transaction may be open.

        The hash is of the settings' format unless it is `hashed_as` another one, as those of
        probe accounts can be. The account's id is random hexadecimal text and tells nothing about
        the person. Raises
        `InvalidAddressError`, `InvalidRolesError`, `WeakPasswordError` or `OverloadedError`.
        """
        address = parse_address(email)
        checked_roles = parse_roles(roles)
        require_acceptable(password, email_key=address.key)
        return Account(
            id=self._rng.hex(_ID_BYTES),
            email=address.written,
            email_key=address.key,
            roles=checked_roles,
            disabled=False,
            probe=probe,
            created_at=to_unix(self._clock.now()),
            password_hash=self._hasher.hash(password, claim, made_as=hashed_as),
        )

"""Everybody whom the guard knows, and how it knows them."""

from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest

from ostiary.changes.approval import NO_APPROVAL, Approval
from ostiary.changes.guard_settings import GuardSettings
from ostiary.changes.operator_settings import OperatorSettings, reaches
from ostiary.changes.rules.operators import OWNER, ROOT
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.tokens import digest_of
from ostiary.kernel.errors import UsageError

_ROOT_UID = 0


@dataclass(frozen=True, slots=True)
class Registry:
    """The operators of one guard, and what approval its changes need.

    The owner of the data directory and root are always admins: they can stop the guard and edit
    its files anyway, and whoever lost every other way in comes back this way.
    """

    operators: Mapping[str, OperatorSettings]
    owner_uid: int
    approval: Approval = NO_APPROVAL
    """What a change needs before anything of it is started."""

    @classmethod
    def of(cls, settings: GuardSettings, owner_uid: int) -> "Registry":
        """Return the registry of `[guard]` in a data directory of this owner."""
        approval = Approval(settings.require_approval, settings.approval_expires_seconds)
        return cls(settings.operators, owner_uid, approval)

    def identify(self, uid: int | None, token: str | None) -> Operator:
        """Return who asks: by the token where there is one, else by the peer's user id.

        Raises `UsageError` for everybody else, in the same words whatever was wrong.
        """
        found = self._by_uid(uid) if token is None else self._by_token(token)
        if found is None:
            raise UsageError(
                "operator_unknown",
                "This guard does not know you as an operator.",
                hint="Ask one of its admins for a table in `[guard.operators]`. Where "
                "$OSTIARY_TOKEN_FILE is set, the token in that file alone counts.",
            )
        return found

    def approvers(self, proposer: str | None) -> list[str]:
        """Return the names of those who may approve what `proposer` has proposed."""
        names = [name for name, each in self.operators.items() if reaches(each.role, "approver")]
        owners = {each.uid: name for name, each in self.operators.items()}
        names.append(owners.get(self.owner_uid, OWNER))
        return sorted({*names} - {proposer})

    def _by_token(self, token: str) -> Operator | None:
        digest = digest_of(token)
        for name, each in self.operators.items():
            if each.token_sha256 is not None and compare_digest(each.token_sha256, digest):
                return Operator(name, each.role)
        return None

    def _by_uid(self, uid: int | None) -> Operator | None:
        if uid is None:
            return None
        may_everything = uid in (self.owner_uid, _ROOT_UID)
        for name, each in self.operators.items():
            if each.uid == uid:
                return Operator(name, "admin" if may_everything else each.role)
        if uid == self.owner_uid:
            return Operator(OWNER, "admin")
        return Operator(ROOT, "admin") if uid == _ROOT_UID else None

"""What each role may do: one table of operations, and one of the API's routes.

A route that is in no table may be called by nobody.
"""

from enum import StrEnum

from ostiary.changes.operator_settings import Role, reaches
from ostiary.guard.operators.model import Operator
from ostiary.kernel.errors import RefusedError


class Operation(StrEnum):
    """Something that can be asked of the guard, in the words of "may not …"."""

    LOOK = "see the status and the changes"
    LIST_KEYS = "see the signing keys"
    PROPOSE = "propose changes"
    STEER = "pause and resume changes"
    ROLL_BACK = "roll changes back"
    COMMENT = "comment on changes"
    APPROVE = "approve changes"
    PROMOTE = "promote changes"
    FORCE = "force changes"
    MANAGE_USERS = "see and change users"
    MANAGE_CLIENTS = "see and change clients"
    ROTATE_KEYS = "rotate signing keys"
    REVOKE = "take back what snapshots have minted"
    READ_AUDIT = "read the audit log"
    RECORD_CAPACITY = "record capacity"
    RUN_JOURNEYS = "run journeys"
    SHUT_DOWN = "shut everything down"


LEAST_ROLE: dict[Operation, Role] = {
    Operation.LOOK: "viewer",
    Operation.LIST_KEYS: "viewer",
    Operation.PROPOSE: "proposer",
    Operation.STEER: "proposer",
    # Going back to what was good is safe, so nobody who may go forward has to ask for it.
    Operation.ROLL_BACK: "proposer",
    Operation.COMMENT: "proposer",
    Operation.APPROVE: "approver",
    Operation.PROMOTE: "approver",
    Operation.FORCE: "admin",
    Operation.MANAGE_USERS: "admin",
    Operation.MANAGE_CLIENTS: "admin",
    Operation.ROTATE_KEYS: "admin",
    # It signs people out.
    Operation.REVOKE: "admin",
    # It holds people's addresses, as the list of users does.
    Operation.READ_AUDIT: "admin",
    Operation.RECORD_CAPACITY: "admin",
    # Their inserts name variables and files that the guard alone may read.
    Operation.RUN_JOURNEYS: "admin",
    Operation.SHUT_DOWN: "admin",
}

ROUTES: dict[tuple[str, str], Operation] = {
    ("GET", "/status"): Operation.LOOK,
    ("POST", "/shutdown"): Operation.SHUT_DOWN,
    ("POST", "/capacity"): Operation.RECORD_CAPACITY,
    ("GET", "/users"): Operation.MANAGE_USERS,
    ("POST", "/users"): Operation.MANAGE_USERS,
    ("GET", "/users/{email}"): Operation.MANAGE_USERS,
    ("POST", "/users/{email}/{action}"): Operation.MANAGE_USERS,
    ("GET", "/clients"): Operation.MANAGE_CLIENTS,
    ("POST", "/clients"): Operation.MANAGE_CLIENTS,
    ("POST", "/clients/{client_id}/delete"): Operation.MANAGE_CLIENTS,
    ("GET", "/keys"): Operation.LIST_KEYS,
    ("POST", "/keys/rotate"): Operation.ROTATE_KEYS,
    ("POST", "/audit"): Operation.READ_AUDIT,
    ("GET", "/changes"): Operation.LOOK,
    ("POST", "/changes"): Operation.PROPOSE,
    ("GET", "/changes/{change_id}"): Operation.LOOK,
    ("GET", "/changes/{change_id}/patch"): Operation.LOOK,
    ("GET", "/snapshots"): Operation.LOOK,
    ("GET", "/snapshots/{snapshot_id}"): Operation.LOOK,
    ("POST", "/snapshots/{snapshot_id}/revoke"): Operation.REVOKE,
    ("POST", "/check"): Operation.PROPOSE,
    ("POST", "/journeys/run"): Operation.RUN_JOURNEYS,
    ("POST", "/changes/{change_id}/approve"): Operation.APPROVE,
    ("POST", "/changes/{change_id}/comment"): Operation.COMMENT,
    ("POST", "/changes/{change_id}/pause"): Operation.STEER,
    ("POST", "/changes/{change_id}/promote"): Operation.PROMOTE,
    ("POST", "/changes/{change_id}/resume"): Operation.STEER,
    ("POST", "/changes/{change_id}/rollback"): Operation.ROLL_BACK,
}
"""Every route of the guard's API, as method and template, and what calling it means."""


def may(role: Role, operation: Operation) -> bool:
    """Return whether somebody of this role may do this."""
    return reaches(role, LEAST_ROLE[operation])


def require(operator: Operator, operation: Operation) -> None:
    """Raise `RefusedError` where the operator's role does not reach."""
    if not may(operator.role, operation):
        least = LEAST_ROLE[operation]
        raise RefusedError(
            "not_permitted",
            f"{operator.name} may not {operation}: that takes the role {least}, and "
            f"{operator.name} has the role {operator.role}.",
            hint="Ask an operator who has it; roles stand in `[guard.operators]`.",
        )

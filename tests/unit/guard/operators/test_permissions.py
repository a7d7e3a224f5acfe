"""Every route of the guard's API has an entry in the table of roles, and every entry a route."""

from typing import get_args

import falcon.inspect
import pytest

from ostiary.changes.operator_settings import ROLES
from ostiary.guard.api import create_api
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.permissions import LEAST_ROLE, ROUTES, Operation, may, require
from ostiary.guard.operators.registry import Registry
from ostiary.guard.orders import Kind
from ostiary.kernel.errors import ExitCode, RefusedError
from tests.unit.guard.operators.answering import Answering

ALLOWED = {
    "viewer": {Operation.LOOK, Operation.LIST_KEYS},
    "proposer": {Operation.PROPOSE, Operation.STEER, Operation.ROLL_BACK, Operation.COMMENT},
    "approver": {Operation.APPROVE, Operation.PROMOTE},
    "admin": {
        Operation.FORCE,
        Operation.MANAGE_USERS,
        Operation.MANAGE_CLIENTS,
        Operation.ROTATE_KEYS,
        Operation.REVOKE,
        Operation.READ_AUDIT,
        Operation.RECORD_CAPACITY,
        Operation.RUN_JOURNEYS,
        Operation.SHUT_DOWN,
    },
}


def served() -> set[tuple[str, str]]:
    """Return what the API takes: method and template, without what Falcon answers by itself."""
    app = create_api(Answering(), Registry({}, owner_uid=0))
    return {
        (method.method, route.path)
        for route in falcon.inspect.inspect_routes(app)
        for method in route.methods
        if not method.internal
    }


def test_every_route_is_in_the_table_and_nothing_else_is() -> None:
    assert served() == ROUTES.keys()
    assert len(served()) > 20


def test_every_operation_has_a_least_role_and_some_use() -> None:
    assert LEAST_ROLE.keys() == set(Operation)
    # Forcing is no route of its own: it is a way to propose.
    assert set(Operation) - set(ROUTES.values()) == {Operation.FORCE}


def test_every_order_of_a_change_has_a_route() -> None:
    assert {("POST", f"/changes/{{change_id}}/{kind}") for kind in get_args(Kind)} < ROUTES.keys()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_its_own_and_what_those_before_it_may(role: str) -> None:
    expected = set().union(*(ALLOWED[each] for each in ROLES[: ROLES.index(role) + 1]))
    assert {operation for operation in Operation if may(role, operation)} == expected


def test_a_refusal_names_who_what_and_which_role_it_takes() -> None:
    with pytest.raises(RefusedError) as caught:
        require(Operator("eve", "viewer"), Operation.APPROVE)
    assert caught.value.message == (
        "eve may not approve changes: that takes the role approver, and eve has the role viewer."
    )
    assert caught.value.exit_code is ExitCode.REFUSED

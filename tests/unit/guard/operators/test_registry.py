"""A token decides before the user id; the owner and root are always admins; others are nobody."""

import pytest

from ostiary.changes.configuration import load_configuration
from ostiary.guard.operators.model import Operator
from ostiary.guard.operators.registry import Registry
from ostiary.guard.operators.tokens import digest_of
from ostiary.kernel.errors import ExitCode, UsageError

OWNER = 1000
TOKEN = "ostiary_the-token-of-bob-and-nobody-else"
TEXT = f"""
[guard]
require_approval = true
approval_expires_seconds = 60

[guard.operators.ada]
role = "proposer"
uid = 1001

[guard.operators.bob]
role = "approver"
uid = 1002
token_sha256 = "{digest_of(TOKEN)}"

[guard.operators.chief]
role = "admin"
token_sha256 = "{digest_of("ostiary_another-token")}"
"""


@pytest.fixture
def registry(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_text(TEXT)
    return Registry.of(load_configuration(file).guard, OWNER)


@pytest.mark.parametrize(
    ("uid", "token", "operator"),
    [
        (1001, None, Operator("ada", "proposer")),
        (1002, None, Operator("bob", "approver")),
        (1001, TOKEN, Operator("bob", "approver")),
        (4711, TOKEN, Operator("bob", "approver")),
        (None, TOKEN, Operator("bob", "approver")),
        (OWNER, TOKEN, Operator("bob", "approver")),
        (OWNER, None, Operator("owner", "admin")),
        (0, None, Operator("root", "admin")),
    ],
)
def test_who_is_known(registry, uid, token, operator):
    assert registry.identify(uid, token) == operator


@pytest.mark.parametrize(
    ("uid", "token"),
    [
        (4711, None),
        (None, None),
        (4711, "ostiary_wrong"),
        (1001, "ostiary_wrong"),
        (OWNER, "ostiary_wrong"),
        (0, ""),
        (4711, digest_of(TOKEN)),
        (4711, "\udcff"),
    ],
)
def test_everybody_else_gets_one_message_whatever_was_wrong(registry, uid, token):
    with pytest.raises(UsageError) as caught:
        registry.identify(uid, token)
    assert caught.value.code == "operator_unknown"
    assert caught.value.message == "This guard does not know you as an operator."
    assert caught.value.exit_code is ExitCode.USAGE


def test_without_operators_there_is_the_owner_and_root():
    registry = Registry({}, OWNER)
    assert registry.identify(OWNER, None) == Operator("owner", "admin")
    assert registry.identify(0, None) == Operator("root", "admin")
    with pytest.raises(UsageError):
        registry.identify(1001, None)
    assert not registry.approval.required


def test_a_table_gives_the_owner_a_name_and_not_a_lesser_role(registry):
    owned = Registry(registry.operators, owner_uid=1001)
    assert owned.identify(1001, None) == Operator("ada", "admin")
    assert owned.approvers("bob") == ["ada", "chief"]


def test_those_who_may_approve_are_all_but_the_proposer(registry):
    assert registry.approvers("ada") == ["bob", "chief", "owner"]
    assert registry.approvers("bob") == ["chief", "owner"]


def test_the_settings_say_whether_approval_is_needed_and_for_how_long(registry):
    assert (registry.approval.required, registry.approval.expires_seconds) == (True, 60)

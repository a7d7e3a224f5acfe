"""Settings of operators that could lock people out, or let the wrong ones in, are refused."""

import pytest

from ostiary.changes.operator_settings import ROLES, reaches

DIGEST = "0123456789abcdef" * 4
ADA = '[guard.operators.ada]\nrole = "admin"\nuid = 1001\n'
TOKENS = f"{ADA}token_sha256='{DIGEST}'\n"
BOB = '[guard.operators.bob]\nrole = "approver"\nuid = 1002\n'


@pytest.mark.parametrize(
    "text",
    [
        ADA,
        ADA + BOB,
        f"[guard]\nrequire_approval = true\n{ADA}{BOB}",
        f'[guard]\nsocket = "/run/ostiary/guard.sock"\n{ADA}',
        f'[guard.operators.ci-2]\nrole = "admin"\ntoken_sha256 = "{DIGEST}"\n',
        '[guard.operators.root]\nrole = "admin"\nuid = 0\n',
    ],
)
def test_operators_who_can_be_told_apart_pass(check, text):
    assert check(text) == ()


@pytest.mark.parametrize(
    ("text", "code", "key", "line"),
    [
        ("[guard.operators.Ada]\nrole='admin'\nuid=1\n", "operator_name", "Ada", 1),
        ("[guard.operators.'a b']\nrole='admin'\nuid=1\n", "operator_name", '"a b"', 1),
        ("[guard.operators.owner]\nrole='admin'\nuid=1\n", "operator_name_taken", "owner", 1),
        ("[guard.operators.root]\nrole='admin'\nuid=1\n", "operator_name_taken", "root", 1),
        ("[guard.operators.ada]\nrole='admin'\n", "operator_unknowable", "ada", 1),
        (
            "[guard.operators.ada]\nrole='admin'\nuid=65534\n",
            "operator_uid_of_strangers",
            "ada.uid",
            3,
        ),
        (
            "[guard.operators.ada]\nrole='admin'\ntoken_sha256='abc'\n",
            "operator_token_no_digest",
            "ada.token_sha256",
            3,
        ),
        (
            f"{ADA}[guard.operators.bob]\nrole='viewer'\nuid=1001\n",
            "operator_uid_twice",
            "bob.uid",
            6,
        ),
        (
            f"{TOKENS}[guard.operators.bob]\nrole='viewer'\ntoken_sha256='{DIGEST}'\n",
            "operator_token_twice",
            "bob.token_sha256",
            7,
        ),
    ],
)
def test_an_operator_who_cannot_be_known_is_refused_at_the_line(check, text, code, key, line):
    (problem,) = check(text)
    assert (problem.code, problem.key, problem.line) == (code, f"guard.operators.{key}", line)
    assert problem.hint


@pytest.mark.parametrize(
    ("text", "code", "key"),
    [
        (BOB, "nobody_is_admin", "guard.operators"),
        ("[guard]\nrequire_approval=true\n", "nobody_can_approve", "guard.require_approval"),
        (
            f"[guard]\nrequire_approval=true\n{ADA}",
            "nobody_can_approve",
            "guard.require_approval",
        ),
        (
            f"[guard]\nrequire_approval=true\n{ADA}[guard.operators.v]\nrole='viewer'\nuid=3\n",
            "nobody_can_approve",
            "guard.require_approval",
        ),
        ("[guard]\nsocket='/run/a/g.sock'\n", "socket_for_nobody", "guard.socket"),
        (f"[guard]\nsocket='g.sock'\n{ADA}", "socket_path", "guard.socket"),
        (f"[guard]\nsocket='/run/../g.sock'\n{ADA}", "socket_path", "guard.socket"),
        (f"[guard]\nsocket='/run/a/'\n{ADA}", "socket_path", "guard.socket"),
        (f"[guard]\nsocket='/{'a' * 100}'\n{ADA}", "socket_path_too_long", "guard.socket"),
    ],
)
def test_a_team_that_could_not_work_is_refused(check, text, code, key):
    (problem,) = check(text)
    assert (problem.code, problem.key) == (code, key)
    assert problem.hint


def test_an_unknown_role_is_refused_with_the_nearest_right_one(check):
    (problem,) = check("[guard.operators.ada]\nrole = 'aprover'\nuid = 1\n")
    assert problem.line == 2
    assert problem.message == (
        '`guard.operators.ada.role` is `"aprover"`; did you mean `approver`?'
    )
    assert problem.hint == 'Write `"viewer"`, `"proposer"`, `"approver"` or `"admin"`.'


def test_a_role_that_is_like_no_other_is_refused_with_all_of_them(check):
    (problem,) = check("[guard.operators.ada]\nrole = 7\nuid = 1\n")
    assert "none of the words allowed" in problem.message
    assert '`"admin"`' in problem.hint


def test_a_misspelt_key_of_an_operator_is_refused_with_the_right_one(check):
    (problem,) = check("[guard.operators.ada]\nrole = 'admin'\nuidd = 1\n")
    assert problem.message.endswith("did you mean `uid`?")


def test_a_token_that_was_written_instead_of_its_digest_is_not_repeated(check):
    (problem,) = check("[guard.operators.ada]\nrole='admin'\ntoken_sha256='tell-nobody'\n")
    assert "tell-nobody" not in str(problem)


@pytest.mark.parametrize("uid", ["-1", "4294967295", "1.5", "true", "'ada'"])
def test_what_is_no_user_id_is_refused(check, uid):
    (problem,) = check(f"[guard.operators.ada]\nrole = 'admin'\nuid = {uid}\n")
    assert problem.key == "guard.operators.ada.uid"


def test_each_role_may_do_what_those_before_it_may():
    assert [[reaches(role, least) for least in ROLES] for role in ROLES] == [
        [True, False, False, False],
        [True, True, False, False],
        [True, True, True, False],
        [True, True, True, True],
    ]

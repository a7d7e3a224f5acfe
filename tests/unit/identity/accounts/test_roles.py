import pytest

from ostiary.identity.accounts.roles import ROLES_MAX, InvalidRolesError, parse_roles


def test_roles_are_sorted_and_each_appears_once() -> None:
    assert parse_roles(["writer", "admin", "writer"]) == ("admin", "writer")


@pytest.mark.parametrize("role", ["admin", "team:read", "a_b-c:0", "x" * 64])
def test_role_names_of_the_alphabet_are_accepted(role: str) -> None:
    assert parse_roles([role]) == (role,)


@pytest.mark.parametrize("role", ["", "Admin", "a b", "é", "a\n", "x" * 65, "a,b"])
def test_other_role_names_are_refused(role: str) -> None:
    with pytest.raises(InvalidRolesError):
        parse_roles([role])


def test_more_roles_than_fit_a_token_are_refused() -> None:
    with pytest.raises(InvalidRolesError):
        parse_roles(f"role-{number}" for number in range(ROLES_MAX + 1))

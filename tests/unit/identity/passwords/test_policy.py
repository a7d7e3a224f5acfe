import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.passwords.policy import WeakPasswordError, require_acceptable


def accepts(password: str) -> bool:
    try:
        require_acceptable(password, email_key="ada@example.org")
    except WeakPasswordError:
        return False
    return True


@pytest.mark.parametrize(
    "password",
    ["sevenish", "correct horse", "пароль мой", "🦉🦉🦉🦉🦉🦉🦉🦉", "x" * 1024, "  spaces  "],
)
def test_any_kind_of_character_will_do(password: str) -> None:
    assert accepts(password)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "seven77",
        "x" * 1025,
        "é" * 513,
        "\ufdfa" * 100,  # one character that normalises to 18
        "\ud800" * 8,
        "password1",
        "PassWord1",
        "12345678",
        "qwertyuiop",
        "ada@example.org",
        "ADA@example.org",
    ],
)
def test_short_long_and_common_passwords_are_refused(password: str) -> None:
    assert not accepts(password)


def test_length_is_counted_as_it_is_hashed() -> None:
    assert accepts("ﬁ" * 4)  # a ligature that normalises to two letters
    assert not accepts("e\u0301" * 7)  # seven letters with an accent


def test_a_refusal_does_not_repeat_the_password() -> None:
    with pytest.raises(WeakPasswordError) as caught:
        require_acceptable("trustno1", email_key="ada@example.org")
    assert "trustno1" not in str(caught.value)


@given(st.text(max_size=1200))
def test_every_text_is_accepted_or_refused(password: str) -> None:
    accepts(password)

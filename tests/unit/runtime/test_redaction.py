"""Secrets are taken out of text that people will see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.runtime.redaction import passwords_in, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://u:secret@db/x", "postgresql://u:***@db/x"),
        ("postgresql+psycopg://u:p%40ss@db:5432/x", "postgresql+psycopg://u:***@db:5432/x"),
        ("a https://u:one@a b https://u:two@b", "a https://u:***@a b https://u:***@b"),
        ("https://:secret@host", "https://:***@host"),
        ("sqlite:////data/identity.db", "sqlite:////data/identity.db"),
        ("http://127.0.0.1:8000/path@x", "http://127.0.0.1:8000/path@x"),
        ("mail a@example.com at 10:30", "mail a@example.com at 10:30"),
    ],
)
def test_passwords_in_urls_are_hidden_and_nothing_else(text, shown):
    assert redact(text) == shown


def test_given_secrets_are_hidden_the_longer_first():
    assert redact("token abcdef and abcd", ["abcd", "abcdef"]) == "token *** and ***"


@pytest.mark.parametrize("secret", ["", "a", "abc"])
def test_secrets_too_short_to_be_secret_leave_the_text_readable(secret):
    assert redact("a plain abc sentence", [secret]) == "a plain abc sentence"


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql://u:p%40ss@db/x", {"p%40ss", "p@ss"}),
        ("postgresql://u@db/x", set()),
        ("sqlite:////x", set()),
        ("http://[broken", set()),
    ],
)
def test_the_password_of_a_url_is_known_as_written_and_decoded(url, passwords):
    assert passwords_in(url) == passwords


@given(st.text(), st.text(min_size=4))
def test_a_secret_never_survives(text, secret):
    assert secret not in redact(f"{text}{secret}{text}", [secret]).replace("***", "")

"""What operators write is kept as it is, or refused: bounded, one line, nothing that hides."""

import pytest

from ostiary.guard.free_text import TEXT_MAX, read_text
from ostiary.kernel.errors import UsageError


@pytest.mark.parametrize("text", ["fine", "Grüße, 你好 👩‍💻", "[bold]x[/bold]", "a" * TEXT_MAX])
def test_plain_text_is_kept_as_it_was_written(text):
    assert read_text(text, "comment") == text


def test_blanks_around_it_go_and_nothing_is_empty():
    assert read_text("  a b \n", "comment") == "a b"
    assert read_text(None, "comment") == ""


@pytest.mark.parametrize(
    "text",
    [
        "a\x1b[31m",
        "a\nb",
        "a\x00",
        "a\x7f",
        "a\u009b31m",
        "a\u2028b",
        "a\u202eb",
        "a\u2066b",
        "\ud800",
    ],
)
def test_what_steers_a_terminal_or_hides_text_is_refused_at_its_place(text):
    with pytest.raises(UsageError) as caught:
        read_text(text, "comment")
    assert caught.value.code == "text_with_control_character"
    assert "U+" in caught.value.message
    assert text not in caught.value.message


@pytest.mark.parametrize(
    ("value", "code"),
    [("a" * (TEXT_MAX + 1), "text_too_long"), (7, "text_malformed"), ([], "text_malformed")],
)
def test_what_is_too_long_or_no_text_is_refused(value, code):
    with pytest.raises(UsageError) as caught:
        read_text(value, "reason")
    assert caught.value.code == code
    assert "reason" in caught.value.message

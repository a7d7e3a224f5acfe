import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.accounts.addresses import InvalidAddressError, fold, parse_address


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.org",
        "ada.lovelace+login@sub.example.org",
        "o'hara@example.org",
        "customer/department=shipping@example.org",
        "root@localhost",
        "jörg@bücher.example",
        "用户@例子.广告",
        "अजय@डाटा.भारत",
        "x" * 64 + "@example.org",
    ],
)
def test_addresses_of_the_world_are_accepted_as_written(text: str) -> None:
    assert parse_address(text).written == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "ada",
        "@example.org",
        "ada@",
        "ada@@example.org",
        "ada@exa mple.org",
        "ada lovelace@example.org",
        "ada@-example.org",
        "ada@example-.org",
        "ada@example..org",
        "ada@.example.org",
        "ada@example.org.",
        ".ada@example.org",
        "ada.@example.org",
        "a..da@example.org",
        '"ada lovelace"@example.org',
        "ada@[127.0.0.1]",
        "ada@example.org\nbcc: all@example.org",
        "ada\x00@example.org",
        "ada\u200b@example.org",
        "ada\u202e@example.org",
        "ada@exam_ple.org",
        "<ada@example.org>",
        "x" * 65 + "@example.org",
        "ada@" + "x" * 64 + ".org",
        "ada@" + ".".join(["x" * 60] * 5),
        "ada\ud800@example.org",
        "=?utf-8?q?a=0d=0abcc?=@example.org",  # an encoded word, with a line break in it
        "ada=?x@example.org",
        "\uff1d\uff1fx@example.org",  # full-width =?
    ],
)
def test_text_that_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidAddressError):
        parse_address(text)


@pytest.mark.parametrize(
    "other",
    [
        "ADA@Example.ORG",
        "  ada@example.org\n",
        "\uff41da@example.org",  # full-width a
        "ada\uff20example.org",  # full-width @
    ],
)
def test_spellings_of_one_address_have_one_key(other: str) -> None:
    assert parse_address(other).key == parse_address("ada@example.org").key


def test_combining_marks_and_letters_that_look_alike_by_normalisation_have_one_key() -> None:
    decomposed = unicodedata.normalize("NFD", "jörg@example.org")
    assert parse_address(decomposed).key == parse_address("jörg@example.org").key
    assert parse_address("STRASSE@example.org").key == parse_address("straße@example.org").key


@pytest.mark.parametrize("first", range(0, sys.maxunicode + 1, 0x10000))
def test_folding_again_changes_nothing_for_any_character(first: int) -> None:
    for code in range(first, first + 0x10000):
        once = fold(chr(code))
        assert fold(once) == once


@given(st.text(max_size=300))
def test_any_text_is_an_address_with_a_stable_key_or_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except InvalidAddressError:
        return
    assert parse_address(address.key).key == address.key
    assert 0 < len(address.key) <= 254
    assert address.key.count("@") == 1
    assert address.key.isprintable()

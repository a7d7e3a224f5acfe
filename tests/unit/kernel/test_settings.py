"""Settings files are read strictly, and every problem is told at its line."""

import os
import tomllib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.settings import (
    FILE_BYTES_MAX,
    Document,
    SettingsError,
    SettingsTable,
    parse_document,
    read_document,
    validate,
)
from ostiary.kernel.toml_lines import key_lines


class Tokens(SettingsTable):
    access_token_seconds: int = Field(300, ge=1, le=600, json_schema_extra={"unit": "seconds"})
    leeway_seconds: float = 5.0
    sign_up: bool = True
    audience: str | None = None


class File(SettingsTable):
    name: str
    tokens: Tokens = Tokens()
    flags: Mapping[str, bool | int | float | str] = {}
    steps: list[int] = Field([1, 100])


def problems_of(text):
    with pytest.raises(SettingsError) as caught:
        validate(File, parse_document(text, file="ostiary.toml"))
    return caught.value.problems


def only_problem(text):
    (problem,) = problems_of(text)
    return problem


def test_typed_settings_come_out_with_their_defaults():
    text = "name = 'x'\n[tokens]\nleeway_seconds = 2\n[flags]\nnew = true\nshare = 0.5\n"

    found = validate(File, parse_document(text, file="ostiary.toml"))

    assert found.tokens.leeway_seconds == 2
    assert found.tokens.access_token_seconds == 300
    assert found.flags == {"new": True, "share": 0.5}


def test_an_unknown_setting_is_told_with_the_nearest_right_name():
    problem = only_problem("name = 'x'\n\n[tokens]\nacces_token_seconds = 3\n")

    assert problem.message == (
        "unknown setting `tokens.acces_token_seconds`; did you mean `access_token_seconds`?"
    )
    assert (problem.file, problem.line, problem.key, problem.code) == (
        "ostiary.toml",
        4,
        "tokens.acces_token_seconds",
        "unknown_setting",
    )
    assert "`access_token_seconds`" in problem.hint


def test_an_unknown_table_is_told_as_a_table():
    problem = only_problem("name = 'x'\n[tokns]\na = 1\n")

    assert problem.message == "unknown table `tokns`; did you mean `tokens`?"
    assert (problem.line, problem.code) == (2, "unknown_table")


def test_a_setting_in_the_wrong_table_is_sent_to_the_right_one():
    problem = only_problem("access_token_seconds = 3\nname = 'x'\n")

    assert "did you mean `tokens.access_token_seconds`?" in problem.message


def test_a_name_that_resembles_nothing_gets_the_list_of_what_is_known():
    problem = only_problem("name = 'x'\n[tokens]\nzzz = 3\n")

    assert "did you mean" not in problem.message
    assert "`leeway_seconds`" in problem.hint


@pytest.mark.parametrize(
    ("line", "said", "hint"),
    [
        ('access_token_seconds = "300"', "a whole number", "access_token_seconds = 300"),
        ("access_token_seconds = 300.0", "a whole number", "access_token_seconds = 300"),
        ("access_token_seconds = 2.5", "a whole number", "access_token_seconds = 300"),
        ("access_token_seconds = true", "a boolean", "access_token_seconds = 300"),
        ("access_token_seconds = [3]", "a list", "access_token_seconds = 300"),
        ("access_token_seconds = {a = 1}", "a table", "access_token_seconds = 300"),
        ("access_token_seconds = 2026-01-01", "a date", "access_token_seconds = 300"),
        ('sign_up = "true"', "true or false", "sign_up = true"),
        ("sign_up = 1", "a whole number", "sign_up = true"),
        ("audience = 5", "text in quotes", 'audience = "5"'),
        ('leeway_seconds = "2.5"', "a number", "leeway_seconds = 2.5"),
    ],
)
def test_a_wrong_type_is_told_with_what_was_written_and_what_to_write(line, said, hint):
    problem = only_problem(f"name = 'x'\n[tokens]\n{line}\n")

    assert problem.code == "wrong_type"
    assert problem.line == 3
    assert said in problem.message
    assert hint in problem.hint


def test_a_table_where_a_value_belongs_and_the_reverse_are_told():
    codes = {p.key: p.message for p in problems_of("name = {a = 1}\ntokens = 5\n")}

    assert "text in quotes" in codes["name"]
    assert "must be a table" in codes["tokens"]


def test_a_value_out_of_bounds_is_told_with_the_bounds_and_the_unit():
    problem = only_problem("name = 'x'\n[tokens]\naccess_token_seconds = 0\n")

    assert problem.code == "wrong_value"
    assert "`0`" in problem.message
    assert problem.hint == "Allowed: at least 1, at most 600 (seconds)."


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_numbers_that_are_not_finite_are_refused(value):
    assert value in only_problem(f"name = 'x'\n[tokens]\nleeway_seconds = {value}\n").message


def test_a_union_is_one_problem_not_one_per_type():
    problem = only_problem('name = "x"\n[flags]\n"new page" = [1]\n')

    assert problem.key == 'flags."new page"'
    assert "true or false or a number or text in quotes" in problem.message


def test_a_wrong_element_of_a_list_is_told_at_its_own_line():
    problem = only_problem('name = "x"\nsteps = [\n  1,\n  "5",\n]\n')

    assert (problem.key, problem.line) == ("steps[1]", 4)


def test_a_missing_setting_is_told_without_a_line():
    problem = only_problem("[tokens]\n")

    assert (problem.code, problem.key, problem.line) == ("missing_setting", "name", None)


def test_all_problems_are_told_together_in_the_order_of_the_file():
    text = "nme = 'x'\n[tokens]\nsign_up = 3\naccess_token_seconds = 0\n"

    with pytest.raises(SettingsError) as caught:
        validate(File, parse_document(text, file="ostiary.toml"))

    assert [problem.line for problem in caught.value.problems] == [None, 1, 3, 4]
    assert caught.value.exit_code is ExitCode.REFUSED
    assert str(caught.value).count("ostiary.toml:") == 4
    assert "ostiary.toml:3: `tokens.sign_up`" in str(caught.value)


def test_a_problem_is_a_json_object():
    problem = only_problem("name = 'x'\n[tokens]\nsign_up = 3\n")

    assert set(problem.to_json()) == {"file", "line", "key", "code", "message", "hint"}


def test_thousands_of_unknown_settings_are_told_quickly_and_shortly():
    text = "name = 'x'\n" + "".join(f"access_token_second{n} = 1\n" for n in range(20_000))

    with pytest.raises(SettingsError) as caught:
        validate(File, parse_document(text, file="ostiary.toml"))

    assert len(caught.value.problems) == 20_000
    assert str(caught.value).endswith("… and 19900 more.")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a = ", 1, "Invalid value"),
        ("a = 1\nb = \n", 2, "Invalid value"),
        ("a = 1\n\na = 2\n", 3, "The same name stands twice"),
        ("[a]\n[b]\n[a]\n", 3, "twice"),
        ("a = 'x\n", 1, "Expected"),
        ("a = 1\r\nb = \x01\r\n", 2, "Invalid value"),
        ("a = 2024-13-01\n", 1, "Expected newline"),
        ("\ta\t=\t1\nb = \u00a01", 2, "Invalid value"),
    ],
)
def test_what_is_no_toml_is_told_at_its_line(text, line, said):
    with pytest.raises(SettingsError) as caught:
        parse_document(text, file="ostiary.toml")

    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("toml_syntax", line)
    assert said in f"{problem.message} {problem.hint}"


@pytest.mark.parametrize("text", ["a = " + "[" * 50_000 + "]" * 50_000, "a = " + "9" * 5000])
def test_toml_that_would_break_the_parser_is_a_problem_too(text):
    with pytest.raises(SettingsError) as caught:
        parse_document(text, file="ostiary.toml")

    assert caught.value.problems[0].code == "toml_syntax"


def test_tabs_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(b"\xef\xbb\xbfname\t=\t'x'\r\n[tokens]\r\nsign_up = 3\r\n")

    document = read_document(file)

    assert document.tables["name"] == "x"
    assert document.line_of(("tokens", "sign_up")) == 3


def test_a_file_that_is_not_utf_8_is_told_at_its_line(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(b"a = 1\nname = 'M\xfcller'\n")

    with pytest.raises(SettingsError) as caught:
        read_document(file)

    (problem,) = caught.value.problems
    assert (problem.code, problem.line) == ("not_utf8", 2)
    assert "0xfc" in problem.message


def test_a_file_of_more_than_a_mebibyte_is_refused_unread(tmp_path):
    file = tmp_path / "ostiary.toml"
    file.write_bytes(b"#" * (FILE_BYTES_MAX + 1))

    with pytest.raises(SettingsError) as caught:
        read_document(file)

    assert caught.value.problems[0].code == "file_too_large"


def test_what_is_no_readable_file_is_wrong_usage(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, code in (
        (tmp_path / "missing.toml", "file_not_found"),
        (tmp_path, "not_a_file"),
        (tmp_path / "pipe", "not_a_file"),
        (tmp_path / ("x" * 300), "file_not_readable"),
    ):
        with pytest.raises(UsageError) as caught:
            read_document(path)
        assert caught.value.code == code
        assert str(path) in caught.value.message


def test_an_empty_document_knows_no_lines():
    assert Document("defaults").line_of(("tokens", "sign_up")) is None


TRICKY = '''\
# a comment with [table] and key = 1
top = 1
"quoted key" = "[not.a.table]"
'literal.key' = 'a # b'
dotted.one . "two" = 3
multi = """
[fake]
fake = 1 \\"""
"quotes"\"\"\""
raw = \'\'\'
[fake]\'\'\'
empty = ""

[table]  # comment
list = [ 1, # one ]
  [ "a]", 'b' ],
  { inline = [ 1 ], other.deep = """x
y""" },
]
when = 1979-05-27 07:32:00 # date
[[products]]
name = "a"
[products.size]
width = 1
[[products]]
name = "b"
[[products.parts]]
n = 1
[[products.parts]]
n = 2
["e\\u0041" . b]
c = true
'''


def test_lines_are_found_in_everything_that_toml_allows():
    tomllib.loads(TRICKY)
    lines = key_lines(TRICKY)

    def line_with(text):
        return TRICKY[: TRICKY.index(text)].count("\n") + 1

    assert lines["quoted key",] == 3
    assert lines["dotted", "one", "two"] == 5
    assert lines["raw",] == line_with("raw =")
    assert lines["empty",] == line_with("empty =")
    assert lines["table", "list", 1, 1] == line_with('[ "a]"')
    assert lines["table", "list", 2, "other", "deep"] == line_with("{ inline")
    assert lines["table", "when"] == line_with("when =")
    assert lines["products", 1, "name"] == line_with('name = "b"')
    assert lines["products", 1, "parts", 1, "n"] == line_with("n = 2")
    assert lines["products", 0, "size", "width"] == line_with("width")
    assert lines["eA", "b", "c"] == line_with("c = true")
    assert ("fake",) not in lines


def paths_in(value, path=()):
    """Return the path of everything in a parsed document."""
    found = {path} if path else set()
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        inside = isinstance(inner, dict | list)
        found |= paths_in(inner, (*path, key)) if inside else {(*path, key)}
    return found


def test_every_key_of_the_tricky_document_has_a_line():
    assert set(key_lines(TRICKY)) == paths_in(tomllib.loads(TRICKY))


PIECES = st.sampled_from(
    [
        *("a", "b", "a.b", '"a"', "'b c'", " ", "\t", "\n", "\r\n", "=", " = ", ".", ",", "#"),
        *("[", "]", "[[", "]]", "{", "}", '"', "'", '"""', "'''", "\\", "1", "-2.5e3", "true"),
        *("[a]\n", "[[a]]\n", "[b.c]\n", "a = 1\n", "b = [1, [2]]\n", 'c = {d = "e"}\n'),
        *('d = """x\ny"""\n', "e = '''\n'''\n", "f = [\n1,\n# x\n2]\n", "1979-05-27 07:32:00"),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_whatever_the_parser_accepts_has_a_line_for_every_key(text):
    try:
        parsed = tomllib.loads(text)
    except ValueError:
        return

    lines = key_lines(text)

    assert set(lines) == paths_in(parsed)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@given(st.text(max_size=200))
def test_any_text_is_a_document_or_a_problem(text):
    try:
        tomllib.loads(text)
    except ValueError:
        with pytest.raises(SettingsError) as caught:
            parse_document(text, file="ostiary.toml")
        assert caught.value.problems[0].code == "toml_syntax"
    else:
        assert parse_document(text, file="ostiary.toml").tables == tomllib.loads(text)

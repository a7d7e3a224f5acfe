"""What the documentation shows of flags is what works."""

import re
import tomllib

import pytest
from openfeature import api

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.identity.flags import Flags
from ostiary.identity.flags.definition import FlagDefinition
from ostiary.kernel.settings import parse_document
from tests.tidy.repository import read

PAGE = read("docs/flags.md")
FLAGS = {
    "new_greeting": FlagDefinition(default=False, variant=True, roles=frozenset({"staff"})),
    "greeting": FlagDefinition(default="Good day"),
}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def flags():
    found = Flags(FLAGS, b"a secret")
    found.offer_to_everybody()
    yield found
    api.clear_providers()


def test_the_code_of_a_release_reads_flags_as_the_page_shows(flags) -> None:
    code = blocks("python")[0]
    names: dict[str, object] = {}
    exec(compile(code, "docs/flags.md", "exec"), names)
    greeting = names["greeting"]
    assert callable(greeting)
    assert greeting(flags, "u-1", ("staff",)) == "Good day"
    assert greeting(flags, "u-1", ()) == "Welcome"


def test_openfeatures_own_interface_reads_them_as_well(flags) -> None:
    names: dict[str, object] = {}
    exec(compile(blocks("python")[1], "docs/flags.md", "exec"), names)
    assert getattr(names["found"], "value", None) is True


def test_the_settings_of_the_page_can_be_proposed() -> None:
    (text,) = blocks("toml")
    assert set(tomllib.loads(text)["flags"]) == {"greeting", "new_sign_in_page"}
    assert check_configuration(parse_configuration(parse_document(text, file="o.toml"))) == ()

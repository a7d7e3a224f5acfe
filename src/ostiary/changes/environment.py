"""What environment variables may say about settings: where a file with a secret is, nothing else.

Anything else that looks like a setting is pointed out, so that nobody believes it was read.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel

from ostiary.kernel.settings import Document, KeyPath, Problem, SettingsError, dotted

PREFIX = "OSTIARY_"
OPTIONS = {"port": "--port", "config": "--config", "envoy": "--envoy"}
"""Options of `ostiary up` that somebody might make a variable of."""

_PATH_CHARACTERS_MAX = 4096
_NEAR_ENOUGH = 0.85


@dataclass(frozen=True, slots=True)
class SecretFile:
    """A variable that names the file of a secret in place of a key.

    It counts where the key `needed_by` stands in the settings file: a variable of the whole machine
    must not break a file that has no use for it.
    """

    variable: str
    key: KeyPath
    needed_by: KeyPath


SECRET_FILES = (
    SecretFile("OSTIARY_TLS_KEY_FILE", ("edge", "key"), ("edge", "certificate")),
    SecretFile(
        "OSTIARY_SMTP_PASSWORD_FILE",
        ("identity", "mail_smtp_password_file"),
        ("identity", "mail_smtp_url"),
    ),
)
OTHERS = ("OSTIARY_DATA", "OSTIARY_DATABASE_URL", "OSTIARY_STORE_KEY_FILE")
"""Variables that Ostiary reads and that stand for no key of a settings file."""


def with_secret_files(document: Document, environment: Mapping[str, str]) -> Document:
    """Return the document with the paths that the environment names.

    Raises `SettingsError` for a variable that holds no absolute path; its value is not repeated,
    because it may be the secret itself.
    """
    for each in SECRET_FILES:
        path = environment.get(each.variable, "")
        if path and _stands(document.tables, each.needed_by):
            _require_path(each, path, document.file)
            document = _with(document, each.key, path, each.variable)
    return document


def _stands(tables: Mapping[str, Any], key: KeyPath) -> bool:
    table = tables.get(str(key[0]))
    return isinstance(table, Mapping) and bool(table.get(key[1]))


def _require_path(each: SecretFile, path: str, file: str) -> None:
    usual = len(path) <= _PATH_CHARACTERS_MAX and path.isprintable()
    if path.startswith("/") and usual:
        return
    message = f"The variable {each.variable}, which stands for `{dotted(each.key)}`, is no path."
    hint = "It has to hold the absolute path of a file, never the secret itself."
    problem = Problem(file, None, dotted(each.key), "variable_not_a_path", message, hint)
    raise SettingsError([problem])


def _with(document: Document, key: KeyPath, path: str, variable: str) -> Document:
    table, name = str(key[0]), str(key[1])
    changed = {**document.tables[table], name: path}
    return replace(
        document,
        tables={**document.tables, table: changed},
        origins={**document.origins, key: variable},
    )


def misleading_variables(environment: Mapping[str, str], model: type[BaseModel]) -> Iterator[str]:
    """Yield one sentence for each variable that looks like a setting and is not read.

    `model` is the settings file. Values are never repeated.
    """
    secret_files = {each.key: each.variable for each in SECRET_FILES}
    read = (*secret_files.values(), *OTHERS)
    keys = _keys_by_word(model)
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable in read:
            continue
        word = variable.removeprefix(PREFIX).lower()
        key = keys.get(word)
        near = difflib.get_close_matches(variable, read, 1, _NEAR_ENOUGH)
        if key is not None and key not in secret_files:
            yield (
                f"{variable} is not read: settings stand in the file alone. Write `{key[-1]}` in "
                f"`[{key[0]}]`."
            )
        elif key is not None or near:
            right = secret_files[key] if key is not None else near[0]
            yield f"{variable} is not read; did you mean {right}?"
        elif word in OPTIONS:
            yield f"{variable} is not read: write `ostiary up {OPTIONS[word]} …`."
        elif word.partition("_")[0] in model.model_fields:
            yield f"{variable} is not read, and no setting has this name."


def _keys_by_word(model: type[BaseModel]) -> dict[str, KeyPath]:
    """Return each key by the words that somebody might make a variable of it with."""
    found: dict[str, KeyPath] = {}
    for table, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            for name in kind.model_fields:
                found[f"{table}_{name}"] = (table, name)
                found.setdefault(name, (table, name))
    return found

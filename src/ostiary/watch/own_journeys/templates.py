"""Texts with inserts: `Bearer {token}`, where `{{` and `}}` stand for braces."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PART = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]|[^{}]+")
_CAPTURED = re.compile(r"[a-z][a-z0-9_]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_RANDOM = re.compile(r"random(\.[a-z][a-z0-9_]{0,63})?")

TOKEN_INSERT = "probe.access_token"  # noqa: S105 - the name of an insert
PROBE_INSERTS = (
    "probe.email",
    "probe.password",
    "probe.client_id",
    "probe.client_secret",
    "probe.redirect_uri",
    TOKEN_INSERT,
)
BUILT_IN = (*PROBE_INSERTS, "pkce.verifier", "pkce.challenge", "random")
RESERVED = ("probe", "pkce", "random", "env", "file")
NAME_WORDS = "up to 64 of `a` to `z`, digits and `_`, a letter first"


class TemplateError(ValueError):
    """A text with inserts cannot be read; the message says what is wrong, the hint what to write.

    It names the insert, never the text around it, in which a secret may stand.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Insert:
    """A place that is filled when the step runs: by a captured value, a secret, a fresh account."""

    name: str

    @property
    def is_captured(self) -> bool:
        """Return whether an earlier step has to capture it."""
        return _CAPTURED.fullmatch(self.name) is not None and self.name not in RESERVED

    @property
    def variable(self) -> str | None:
        """Return the environment variable that it names."""
        return self.name.removeprefix("env:") if self.name.startswith("env:") else None

    @property
    def file(self) -> str | None:
        """Return the path of the file that it names."""
        return self.name.removeprefix("file:") if self.name.startswith("file:") else None


Part = str | Insert


def is_capture_name(name: str) -> bool:
    """Return whether a captured value may have this name."""
    return _CAPTURED.fullmatch(name) is not None and name not in RESERVED


def parse(text: str) -> tuple[Part, ...]:
    """Return the parts of a text. Raises `TemplateError` for what is no insert."""
    parts: list[Part] = []
    for found in _PART.finditer(text):
        whole, name = found[0], found[1]
        if whole in ("{{", "}}"):
            parts.append(whole[0])
        elif name is not None:
            parts.append(_checked(Insert(name.strip())))
        elif whole in "{}":
            raise TemplateError(
                f"a `{whole}` stands alone", "Write `{{` and `}}` for braces that are meant."
            )
        else:
            parts.append(whole)
    return tuple(parts)


def _checked(insert: Insert) -> Insert:
    if insert.variable is not None:
        if not _VARIABLE.fullmatch(insert.variable):
            raise TemplateError(
                f"`{{{insert.name}}}` names no environment variable", "Write `{env:NAME}`."
            )
    elif insert.file is not None:
        if not insert.file.startswith("/"):
            raise TemplateError(
                f"`{{{insert.name}}}` names no absolute path", "Write `{file:/path/to/file}`."
            )
    elif not (insert.is_captured or insert.name in BUILT_IN or _RANDOM.fullmatch(insert.name)):
        known = ", ".join(f"`{{{name}}}`" for name in BUILT_IN)
        raise TemplateError(
            f"`{{{insert.name}}}` is no insert",
            f"Write the name of a captured value, `{{env:NAME}}`, `{{file:/path}}`, or one of "
            f"{known}; and `{{{{` and `}}}}` for braces that are meant.",
        )
    return insert


def inserts_of(text: str) -> tuple[Insert, ...]:
    """Return the inserts of a text; raises `TemplateError`."""
    return tuple(part for part in parse(text) if isinstance(part, Insert))


def texts_in(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[Any, str]]:  # noqa: ANN401
    """Yield every text in a JSON value, with the path to it."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from texts_in(each, (*path, str(name)))
    elif isinstance(value, list | tuple):
        for position, each in enumerate(value):
            yield from texts_in(each, (*path, position))


def needs_account(texts: Any) -> bool:  # noqa: ANN401 - any JSON value
    """Return whether an insert in one of the texts names the probe account."""
    return not names_in(texts).isdisjoint(PROBE_INSERTS)


def names_in(texts: Any) -> frozenset[str]:  # noqa: ANN401 - any JSON value
    """Return the names of all inserts in the texts."""
    return frozenset(insert.name for _, text in texts_in(texts) for insert in inserts_of(text))

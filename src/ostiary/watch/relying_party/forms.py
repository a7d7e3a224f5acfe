"""Reading the forms of a page, as a browser would before somebody fills them in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ostiary.watch.relying_party.html_tags import Tag, read_tags


@dataclass(frozen=True, slots=True)
class Form:
    """One form: where it is sent, and its controls with what they hold before anybody types.

    `action` is empty where the form is sent to the page's own address. `buttons` are those that
    send it, each with its name, which may be empty, and value.
    """

    action: str
    method: str
    values: tuple[tuple[str, str], ...]
    input_types: tuple[tuple[str, str], ...]
    buttons: tuple[tuple[str, str], ...] = ()

    def has(self, name: str) -> bool:
        """Return whether the form has a control of this name."""
        return any(name == own for own, _ in self.input_types)

    def filled(self, fields: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Return what is sent: the form's own values, overwritten by what somebody typed."""
        typed = dict(fields)
        kept = [(name, value) for name, value in self.values if name not in typed]
        return kept + list(typed.items())


class _FormReader:
    """Collects forms from tags."""

    def __init__(self) -> None:
        self.forms: list[Form] = []
        self._action = ""
        self._method = "GET"
        self._values: list[tuple[str, str]] = []
        self._types: list[tuple[str, str]] = []
        self._buttons: list[tuple[str, str]] = []
        self._open = False

    def take(self, tag: Tag) -> None:
        attributes = tag.attributes
        if tag.closing:
            if tag.name == "form":
                self.finish()
        elif tag.name == "form" and not self._open:
            # A form inside a form does not exist in HTML: the inner start tag is ignored.
            self._open = True
            self._action = attributes.get("action", "").strip()
            self._method = attributes.get("method", "GET").upper()
            self._values, self._types, self._buttons = [], [], []
        elif self._open and _sends(tag):
            self._buttons.append((attributes.get("name", ""), attributes.get("value", "")))
        elif tag.name == "input" and self._open and attributes.get("name"):
            self._add_input(attributes)

    def finish(self) -> None:
        if self._open:
            self.forms.append(
                Form(
                    self._action,
                    self._method,
                    tuple(self._values),
                    tuple(self._types),
                    tuple(self._buttons),
                )
            )
        self._open = False

    def _add_input(self, attributes: Mapping[str, str]) -> None:
        name, kind = attributes["name"], attributes.get("type", "text").lower()
        self._types.append((name, kind))
        unchecked = kind in {"checkbox", "radio"} and "checked" not in attributes
        if kind not in {"button", "reset", "file"} and not unchecked:
            self._values.append((name, attributes.get("value", "")))


def _sends(tag: Tag) -> bool:
    """Return whether an element is a button that sends its form; without a type it does."""
    kind = tag.attributes.get("type", "").lower()
    if tag.name == "button":
        return kind not in {"button", "reset"}
    return tag.name == "input" and kind in {"submit", "image"}


def read_forms(page: str) -> list[Form]:
    """Return the forms of an HTML page in order; broken markup gives fewer, never an error."""
    reader = _FormReader()
    for tag in read_tags(page):
        reader.take(tag)
    reader.finish()
    return reader.forms


def find_password_form(page: str) -> Form | None:
    """Return the first form that asks for a password, or None."""
    for form in read_forms(page):
        if any(kind == "password" for _, kind in form.input_types):
            return form
    return None


def find_form_to(page: str, path: str) -> Form | None:
    """Return the first form that is sent to `path`, whatever its query, or None."""
    for form in read_forms(page):
        if form.action.partition("?")[0] == path:
            return form
    return None

"""What a change would change, as a reviewer reads it in the terminal."""

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_RISK_STYLES = {"low": "green", "medium": "yellow", "high": "bold red"}
_HASH_SHOWN = 12
_NAMES_SHOWN = 12


def risk_text(risk: str) -> Text:
    """Return a risk as a word whose colour says it as well."""
    return Text(risk, style=_RISK_STYLES.get(risk, ""))


def difference_view(difference: dict[str, Any]) -> Group:
    """Return settings with their meaning, and releases with the parts that they touch."""
    parts: list[RenderableType] = []
    for setting in difference["settings"]:
        parts.extend(_setting(setting))
    for release in difference["releases"]:
        parts.extend(_release(release))
    if not parts:
        parts.append(Text("nothing that is served differs"))
    return Group(*parts)


def _setting(setting: dict[str, Any]) -> Iterator[RenderableType]:
    unit = f" {setting['unit']}" if setting["unit"] and setting["after"] is not None else ""
    line = Text(setting["key"], style="bold")
    line.append("  ", style="not bold")
    line.append(_value(setting["before"]), style="not bold")
    line.append(" → ", style="dim not bold")
    line.append(f"{_value(setting['after'])}{unit}", style="not bold")
    yield line
    if setting["meaning"]:
        yield _indented(Text(setting["meaning"], style="dim"))
    yield _indented(_touches(setting["risk"], setting["touches"]))


def _release(release: dict[str, Any]) -> Iterator[RenderableType]:
    before, after = (release[key][:_HASH_SHOWN] or "none" for key in ("before", "after"))
    yield Text.assemble(
        (f"release of {release['service']}", "bold"),
        f"  {before} → {after}, {_files(release['files'])}",
    )
    table = Table.grid(padding=(0, 2))
    for area in release["areas"]:
        table.add_row(
            Text(area["name"]), _files(area["files"]), _touches(area["risk"], area["touches"])
        )
    yield _indented(table)
    if release["migrations"]:
        names = ", ".join(release["migrations"])
        yield _indented(Text(f"migrates the store: {names}", style=_RISK_STYLES["high"]))
    for word in ("added", "removed", "changed"):
        names = release[word]
        if names:
            more = len(names) - _NAMES_SHOWN
            text = ", ".join(names[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
            yield _indented(Text(f"{word}: {text}", style="dim"))


def _touches(risk: str, touches: str) -> Text:
    text = Text("risk ")
    text.append_text(risk_text(risk))
    text.append(f", touches {touches}")
    return text


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"


def _value(value: object) -> str:
    """Return a value about as it is written in TOML."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key} = {_value(each)}' for key, each in value.items())}}}"
    return str(value)


def _indented(content: RenderableType) -> Padding:
    return Padding(content, (0, 0, 0, 2))

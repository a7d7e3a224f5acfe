"""The scenarios that come with Ostiary, and finding one by its name or its file."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ostiary.drills.scenarios.model import Group
from ostiary.drills.scenarios.reading import Scenario, read_scenario
from ostiary.kernel.errors import UsageError

_DIRECTORY: Final = Path(__file__).parent
_NEAR_ENOUGH: Final = 0.4
_SHOWN_AT_MOST: Final = 3


_GROUPS: Final[Mapping[str, Group]] = {"all": "outages", "conditions": "conditions"}
"""What can be written in place of names."""


def names() -> list[str]:
    """Return the names of all scenarios that come with Ostiary, in order."""
    return sorted(path.stem for path in _DIRECTORY.glob("*.toml"))


def known_scenarios() -> list[Scenario]:
    """Return all scenarios that come with Ostiary, a group after the other."""
    known = [scenario(name) for name in names()]
    order = list(_GROUPS.values())
    return sorted(known, key=lambda each: order.index(each.content.group or order[0]))


def scenario(name: str) -> Scenario:
    """Return the scenario of that name; raises `UsageError` for an unknown one."""
    if name not in names():
        told = name if name.strip() else "without a name"
        raise UsageError("drill_unknown", f"There is no drill {told}.", hint=_hint(name))
    return read_scenario(_DIRECTORY / f"{name}.toml")


def find_scenarios(wanted: Sequence[str]) -> list[Scenario]:
    """Return scenarios by name or by file, such as `own/login.toml`.

    `all` are the outages that come with Ostiary, `conditions` its injected faults. Raises
    `UsageError` for an unknown name or a file that is not there, `SettingsError` for a file that is
    no scenario.
    """
    return [found for each in wanted for found in _find(each)]


def _find(name: str) -> list[Scenario]:
    if name in _GROUPS:
        return [each for each in known_scenarios() if each.content.group == _GROUPS[name]]
    is_file = name.endswith(".toml") or "/" in name
    return [read_scenario(Path(name)) if is_file else scenario(name)]


def _hint(name: str) -> str:
    near = difflib.get_close_matches(name.lower(), names(), _SHOWN_AT_MOST, _NEAR_ENOUGH)
    known = f"The nearest: {', '.join(near)}." if near else f"There are: {', '.join(names())}."
    if not name.strip():
        return known
    return f"{known} A file of your own is named with its ending: {name}.toml."

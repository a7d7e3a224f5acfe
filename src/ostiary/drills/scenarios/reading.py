"""Reading scenario files, and what they make of the drill's own settings."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ostiary.changes.configuration import parse_configuration
from ostiary.drills.example import example_services
from ostiary.drills.scenarios.model import ScenarioFile
from ostiary.kernel.errors import UsageError
from ostiary.kernel.settings import (
    Document,
    Problem,
    SettingsError,
    parse_document,
    read_document,
    validate,
)
from ostiary.kernel.toml_lines import is_bare_key

EARLIER_HASHES: Final = {"hash_memory_kib": 12_288, "hash_time_cost": 3}
"""The settings of before, by which users with old hashes have theirs; as dear as today's."""

Tables = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One drill: its name, by which it is run, and what its file says."""

    name: str
    content: ScenarioFile

    def settings(self) -> Tables:
        """Return the settings of the drill's own system, before anything goes wrong."""
        topology = self.content.topology
        identity: dict[str, Any] = {"replicas": topology.replicas}
        tables: Tables = {"identity": identity}
        if topology.orders:
            tables["services"] = example_services("orders")
        if topology.capacity is not None:
            # One hash at a time is what makes a replica as slow as it is said to be.
            identity["hash_concurrency"] = 1
            tables["edge"] = {"capacity": topology.capacity, "peak": self.content.traffic.rate}
        return tables

    def faulty_settings(self) -> Tables:
        """Return the settings that the fault proposes."""
        return merged(self.settings(), self.content.fault.settings)


def merged(base: Mapping[str, Mapping[str, Any]], over: Mapping[str, Mapping[str, Any]]) -> Tables:
    """Return the tables of both, with the keys of `over` in place of those of `base`."""
    return {
        name: {**base.get(name, {}), **over.get(name, {})} for name in dict.fromkeys((*base, *over))
    }


def read_scenario(path: Path) -> Scenario:
    """Read one file.

    Raises `UsageError` where it cannot be read, and `SettingsError` where it is no scenario: each
    problem names file, line and key, and what to write. The settings of a fault are held against
    those that there are; whether they make sense is for the guard to find out.
    """
    try:
        document = read_document(path)
    except UsageError as problem:
        if problem.code != "file_not_found":
            raise
        raise UsageError(
            "scenario_missing",
            f"There is no scenario file {path}.",
            hint="Check the path, or name one of `ostiary drill list`.",
        ) from None
    scenario = Scenario(path.stem, validate(ScenarioFile, document))
    _require_known_settings(scenario, document)
    return scenario


def _require_known_settings(scenario: Scenario, document: Document) -> None:
    text = settings_text(scenario.faulty_settings())
    try:
        parse_configuration(parse_document(text, file=document.file))
    except SettingsError as error:
        raise SettingsError([_relocated(each, document) for each in error.problems]) from None


def _relocated(problem: Problem, document: Document) -> Problem:
    """Return a problem of the proposed settings at its place in the scenario."""
    key = f"fault.settings.{problem.key}" if problem.key else "fault.settings"
    parts = tuple(key.partition("[")[0].split("."))
    return replace(problem, key=key, line=document.line_of(parts))


def settings_text(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """Return tables as TOML."""
    return "\n".join(
        "\n".join((f"[{name}]", *(f"{_key(key)} = {_toml(each)}" for key, each in table.items())))
        for name, table in tables.items()
    )


def _key(name: str) -> str:
    return name if is_bare_key(name) else json.dumps(name)


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{_key(key)} = {_toml(each)}" for key, each in value.items()) + " }"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, str | bool | int):
        # A basic string of TOML is one of JSON, but for one control character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)  # numbers with nan and inf, dates and times: as TOML writes them

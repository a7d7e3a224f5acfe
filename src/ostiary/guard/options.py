"""How one guard is started: what was asked for, and what an earlier start of it recorded."""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import write_atomically

_FILE = "guard.options.json"
_REQUEST = "guard.request.json"
_CONFIG_DEFAULT = Path("ostiary.toml")


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """Where a guard works and with what. `port` is None where that of the settings counts.

    They stand in a file that only its owner can read, because the database URL may hold a
    password, and arguments can be read by every user of the machine.
    """

    data: Path
    port: int | None
    database_url: str = field(repr=False)
    config: Path | None
    envoy: Path | None
    config_was_found: bool = False

    @classmethod
    def combine(
        cls,
        data: Path,
        *,
        config: Path | None = None,
        port: int | None = None,
        database: str | None = None,
        envoy: Path | None = None,
    ) -> "GuardOptions":
        """Return options from what was given, else what was recorded, else the defaults.

        A settings file that was only found in the current directory is looked for anew: it may be
        gone, or another one. Raises `UsageError` when the recorded options cannot be read.
        """
        recorded = _read(data)
        named = config or (None if recorded.get("config_was_found") else recorded.get("config"))
        found = _CONFIG_DEFAULT if named is None and _CONFIG_DEFAULT.is_file() else None
        options = cls._recorded(data, recorded)
        return replace(
            options,
            port=port or options.port,
            database_url=database or options.database_url,
            config=_absolute(named or found),
            envoy=_absolute(envoy) or options.envoy,
            config_was_found=found is not None,
        )

    @classmethod
    def recorded(cls, data: Path) -> "GuardOptions":
        """Return the options of the last start. Raises `UsageError` when they cannot be read."""
        return cls._recorded(data, _read(data))

    @classmethod
    def requested(cls, data: Path) -> "GuardOptions":
        """Return what `request` left, else what was recorded; raises as `recorded` does."""
        return cls._recorded(data, _read(data, _REQUEST) or _read(data))

    def request(self) -> None:
        """Leave the options for a guard that is about to be started; it records them itself."""
        self._write(_REQUEST)

    @classmethod
    def _recorded(cls, data: Path, value: dict[str, object]) -> "GuardOptions":
        return cls(
            data=data,
            port=int(str(value["port"])) if value.get("port") else None,
            database_url=str(value.get("database_url") or f"sqlite:///{data / 'identity.db'}"),
            config=_absolute(value.get("config")),
            envoy=_absolute(value.get("envoy")),
            config_was_found=bool(value.get("config_was_found")),
        )

    def record(self) -> None:
        """Keep the options for the next start in the same data directory."""
        self._write(_FILE)
        (self.data / _REQUEST).unlink(missing_ok=True)

    def differs_in_launch(self, other: "GuardOptions", *, settings_port: int) -> bool:
        """Return whether replicas started with one of both could not serve for the other."""
        own, others = (each.port or settings_port for each in (self, other))
        return (own, self.database_url) != (others, other.database_url)

    def _write(self, name: str) -> None:
        value = {
            "port": self.port,
            "database_url": self.database_url,
            "config": None if self.config is None else str(self.config),
            "config_was_found": self.config_was_found,
            "envoy": None if self.envoy is None else str(self.envoy),
        }
        write_atomically(self.data / name, json.dumps(value).encode())


def _absolute(path: object) -> Path | None:
    return None if path is None else Path(str(path)).expanduser().absolute()


def _read(data: Path, name: str = _FILE) -> dict[str, object]:
    path = data / name
    try:
        value = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise UsageError(
            "options_unreadable",
            f"{path} cannot be read.",
            hint="Remove it; `ostiary up` writes it anew.",
        ) from None
    return value if isinstance(value, dict) else {}

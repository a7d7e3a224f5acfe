"""How one guard is started: what was asked for, and what an earlier start of it recorded."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from ostiary.kernel.errors import UsageError
from ostiary.kernel.files import write_atomically

_FILE = "guard.options.json"
_PORT_DEFAULT = 8000
_CONFIG_DEFAULT = Path("ostiary.toml")


@dataclass(frozen=True, slots=True)
class GuardOptions:
    """Where a guard works and with what.

    They stand in a file that only its owner can read, because the database URL may hold a
    password, and arguments can be read by every user of the machine.
    """

    data: Path
    port: int
    database_url: str = field(repr=False)
    config: Path | None
    envoy: Path | None

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

        Raises `UsageError` when the recorded options cannot be read.
        """
        recorded = _read(data)
        found = _CONFIG_DEFAULT if _CONFIG_DEFAULT.is_file() else None
        return cls(
            data=data,
            port=port or int(str(recorded.get("port") or _PORT_DEFAULT)),
            database_url=database
            or str(recorded.get("database_url") or f"sqlite:///{data / 'identity.db'}"),
            config=_absolute(config or found or recorded.get("config")),
            envoy=_absolute(envoy or recorded.get("envoy")),
        )

    def record(self) -> None:
        """Keep the options for the next start in the same data directory."""
        value = {
            "port": self.port,
            "database_url": self.database_url,
            "config": None if self.config is None else str(self.config),
            "envoy": None if self.envoy is None else str(self.envoy),
        }
        write_atomically(self.data / _FILE, json.dumps(value).encode())


def _absolute(path: object) -> Path | None:
    return None if path is None else Path(str(path)).expanduser().absolute()


def _read(data: Path) -> dict[str, object]:
    path = data / _FILE
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

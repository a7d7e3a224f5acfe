"""The services of the examples, which run beside the login service in some drills."""

from pathlib import Path
from typing import Any, Final

import ostiary
from ostiary.kernel.errors import UsageError
from ostiary.kernel.settings import read_document

_SETTINGS: Final = "ostiary.toml"


def example_services(name: str) -> dict[str, dict[str, Any]]:
    """Return `[services]` of an example, with the places of its releases as absolute paths.

    Raises `UsageError` where the example is not part of this installation.
    """
    place = example_place(name)
    services: dict[str, dict[str, Any]] = read_document(place / _SETTINGS).tables["services"]
    return {
        service: {**settings, "release": str(place / settings["release"])}
        for service, settings in services.items()
    }


def example_place(name: str) -> Path:
    """Return where an example stands: in the installed package, or beside the source of one.

    Raises `UsageError` where it is not part of this installation.
    """
    package = Path(ostiary.__file__).parent
    for place in (package / "examples" / name, package.parents[1] / "examples" / name):
        if (place / _SETTINGS).is_file():
            return place
    raise UsageError(
        "example_missing",
        f"The example `{name}` is not part of this installation.",
        hint='Install it again: pip install "ostiary[server]".',
    )

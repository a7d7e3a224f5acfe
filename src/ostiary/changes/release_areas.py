"""Which part of the login service a file of a release belongs to, and whom that part touches."""

from dataclasses import dataclass, replace

from ostiary.changes.explanations import Risk

_PACKAGE = "ostiary/"
_IDENTITY = "ostiary/identity/"
_MIGRATIONS = "ostiary/identity/store/migrations/versions/"
_NOT_CODE = ("__pycache__/", ".dist-info/")


@dataclass(frozen=True, slots=True)
class Area:
    """One part of the service: how many files of it differ, and who notices when it breaks."""

    name: str
    touches: str
    risk: Risk
    files: int = 0

    def with_file(self) -> "Area":
        """Return the area with one more file."""
        return replace(self, files=self.files + 1)


_AREAS = {
    "store/migrations": Area(
        "migrations of the store", "the tables that old and new versions share", Risk.HIGH
    ),
    "store": Area("store", "everything that is written down", Risk.HIGH),
    "passwords": Area("passwords", "everybody who signs in", Risk.HIGH),
    "sessions": Area("sessions", "everybody who signs in or is signed in", Risk.HIGH),
    "oauth": Area("OAuth and OpenID Connect", "every application", Risk.HIGH),
    "keys": Area("signing keys", "every application that checks tokens", Risk.HIGH),
    "sealing": Area("secrets at rest", "keys and client secrets in the store", Risk.HIGH),
    "http": Area("HTTP", "every request", Risk.HIGH),
    "accounts": Area("accounts", "people's accounts", Risk.MEDIUM),
    "clients": Area("clients", "applications and their registration", Risk.MEDIUM),
    "pages": Area("pages", "everybody who comes by browser", Risk.MEDIUM),
    "admin": Area("admin API", "operators", Risk.MEDIUM),
    "mail": Area("mail", "people who get mail", Risk.LOW),
    "audit": Area("audit log", "who reads the audit log", Risk.LOW),
    "maintenance": Area("backup and upkeep", "operators", Risk.LOW),
}
_START = Area("start and wiring", "every request", Risk.HIGH)
_KERNEL = Area("kernel", "every request", Risk.HIGH)
_CONTROL_PLANE = Area(
    "control plane", "nobody: replicas do not run it; it comes with an upgrade", Risk.LOW
)
_ELSEWHERE = Area("other files", "not known; read the patch", Risk.MEDIUM)


def service_areas(service: str, files: int) -> tuple[Area, ...]:
    """Return the one part that is known of another service: all of its files."""
    whole = Area(service, f"everybody who uses the service {service}", Risk.MEDIUM, files)
    return (whole,) if files else ()


def served(name: str) -> bool:
    """Return whether a file says anything by itself: byte code is made of what is compared."""
    return not any(part in f"/{name}" for part in _NOT_CODE) and not name.endswith(".pyc")


def is_migration(name: str) -> bool:
    """Return whether a file migrates the store."""
    return name.startswith(_MIGRATIONS) and not name.endswith("__init__.py")


def area_of(name: str) -> Area:
    """Return the part that a file belongs to, by its place in the release."""
    if name.startswith(_IDENTITY):
        inside = name.removeprefix(_IDENTITY)
        for prefix, area in _AREAS.items():
            if inside.startswith(f"{prefix}/"):
                return area
        return _START
    if name.startswith("ostiary/kernel/"):
        return _KERNEL
    return _CONTROL_PLANE if name.startswith(_PACKAGE) else _ELSEWHERE

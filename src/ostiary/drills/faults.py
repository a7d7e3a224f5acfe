"""The bugs that drilled releases have: edits of the source in a copied release.

A fault is what a person could have written on a bad day. It is tied to the text that it replaces:
where that text is not found exactly once, nothing is changed and the drill cannot be run.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ostiary.kernel.errors import RefusedError


class FaultNotInjectableError(RefusedError):
    """The release does not hold the text that the fault replaces; the release is unchanged."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One replacement in one file. `path` is relative to the release; `old` must stand once."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class CodeFault:
    """A bug by its name, and for people what it does to users."""

    name: str
    description: str
    edits: tuple[Edit, ...]

    def apply(self, release: Path) -> None:
        """Write the bug into the release in `release`, a directory that holds `ostiary`.

        Raises `FaultNotInjectableError` before anything is written, and `OSError` where the
        release cannot be written to.
        """
        changed: dict[Path, str] = {}
        for edit in self.edits:
            path = release / edit.path
            changed[path] = self._edited(changed.get(path, _read(path)), edit)
        for path, text in changed.items():
            # A fault is a release that starts and then fails; a syntax error would be another.
            compile(text, str(path), "exec")
        for path, text in changed.items():
            path.write_text(text)

    def _edited(self, text: str, edit: Edit) -> str:
        found = text.count(edit.old)
        if found != 1:
            raise FaultNotInjectableError(
                "fault_not_injectable",
                f"The fault {self.name} does not fit: the text it replaces stands {found} times "
                f"in {edit.path}.",
                hint="Use a release of this version, or bring the fault up to date.",
            )
        return text.replace(edit.old, edit.new)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        # Told as text that does not stand there: for a fault it makes no difference.
        return ""


_ACCOUNT_STORAGE: Final = "ostiary/identity/accounts/storage.py"
_LOOKUP: Final = """\
    def find_by_email(self, connection: Connection, email_key: str) -> Account | None:
"""
_SHARDED_LOOKUP: Final = f"""\
    @_on_its_shard
{_LOOKUP}"""
_CLASS: Final = """\
class Accounts:
"""
_CLASS_WITH_SHARDS: Final = f'''\
_SHARDS = {{"0": "users_a", "1": "users_b", "2": "users_c", "3": "users_d"}}


def _on_its_shard(lookup: Any) -> Any:
    """Run a lookup on the shard that holds the address."""

    def on_shard(self: Any, connection: Connection, email_key: str) -> Any:
        digit = hashlib.sha256(email_key.encode()).hexdigest()[0]
        shard = connection.execution_options(shard=_SHARDS[digit])
        return lookup(self, shard, email_key)

    return on_shard


{_CLASS}'''
_IMPORT: Final = """\
from typing import Any
"""
_IMPORT_WITH_HASHLIB: Final = f"""\
import hashlib
{_IMPORT}"""

SHARDED_LOOKUP: Final = CodeFault(
    name="sharded-lookup",
    description=(
        "Accounts are looked up by shard, and the table of shards has 4 of 16 entries: signing in "
        "fails with an internal error for about 75 % of the users, always the same ones."
    ),
    edits=(
        Edit(_ACCOUNT_STORAGE, _IMPORT, _IMPORT_WITH_HASHLIB),
        Edit(_ACCOUNT_STORAGE, _CLASS, _CLASS_WITH_SHARDS),
        Edit(_ACCOUNT_STORAGE, _LOOKUP, _SHARDED_LOOKUP),
    ),
)
"""Seed 000: a code deployment with a bug that makes authentication requests fail."""

FAULTS: Final = {fault.name: fault for fault in (SHARDED_LOOKUP,)}
"""All code faults by name."""

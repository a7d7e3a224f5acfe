"""A look at the account store before anything is started, so that `up` can say what is wrong.

The guard has no use for the store and serves on without it. Only a first start is refused: with
replicas that cannot get ready there would be nothing to keep up.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

import psycopg

from ostiary.kernel import processes
from ostiary.kernel.errors import RefusedError

_CONNECT_SECONDS_MAX = 3
_HEADER = b"SQLite format 3\0"
_SCHEMES = {"sqlite", "postgresql", "postgres"}


def require_store(database_url: str, data: Path) -> None:
    """Return when the store answers, or when replicas run that were started before.

    Raises `RefusedError` otherwise, within a few seconds; the message holds no password.
    """
    if _replicas_run(data):
        return
    scheme, _, rest = database_url.partition("://")
    scheme = scheme.partition("+")[0]
    if scheme not in _SCHEMES:
        raise _refused(
            "The database URL names no store that is supported.",
            "Write sqlite:////absolute/path.db or postgresql://user@host/name.",
        )
    if scheme == "sqlite":
        _require_file(Path(unquote(rest.removeprefix("/").partition("?")[0])).absolute())
    else:
        _require_server(f"{scheme}://{rest}")


def _require_file(path: Path) -> None:
    if not path.exists():
        if not path.parent.is_dir():
            raise _refused(
                f"The account store {path} cannot be made: there is no directory {path.parent}.",
                "Make the directory, or correct the database URL.",
            )
        return
    try:
        with path.open("r+b") as stream:
            header = stream.read(len(_HEADER))
    except OSError as error:
        raise _refused(
            f"The account store {path} cannot be opened for writing: {error.strerror}.",
            "See who owns the file, and whether its file system is mounted for writing.",
        ) from None
    if not header:
        return
    sound = header == _HEADER
    if sound:
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        except sqlite3.DatabaseError as error:
            # One that is locked or busy is none of this look's business.
            sound = isinstance(error, sqlite3.OperationalError)
    if not sound:
        raise _refused(
            f"The account store {path} is damaged: it is not what SQLite writes.",
            "Nothing was written to it. Bring a backup back with `ostiary restore`.",
        )


def _require_server(url: str) -> None:
    try:
        psycopg.connect(url, connect_timeout=_CONNECT_SECONDS_MAX).close()
    except psycopg.ProgrammingError:
        raise _refused(
            "The database URL cannot be parsed.",
            "Write it as libpq reads it: postgresql://user:password@host:5432/name.",
        ) from None
    except psycopg.Error as error:
        lines = [line for line in str(error).splitlines() if line.strip()]
        reason = lines[0].rpartition(" failed: ")[2] if lines else type(error).__name__
        raise _refused(
            f"The account store cannot be reached: {reason}.",
            "Start the database server, or correct host, port, user or name in the database URL.",
        ) from None


def _replicas_run(data: Path) -> bool:
    for path in (data / "replicas").glob("*.json"):
        try:
            record = json.loads(path.read_text()).get("process")
            if record and processes.is_alive(processes.ProcessRecord.from_json(record)):
                return True
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            continue
    return False


def _refused(message: str, hint: str) -> RefusedError:
    return RefusedError("store_unusable", message, hint=hint)

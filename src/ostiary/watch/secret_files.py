"""Reading a secret that a journey needs from a file of the team's own."""

from pathlib import Path
from typing import Final

_BYTES_MAX: Final = 64 * 1024


class SecretFileError(Exception):
    """A secret cannot be read; the message says why. That is no fault of the service tried."""


def read_secret(path: Path) -> str:
    """Return the text of a file without its last line end; raises `SecretFileError`."""
    try:
        # Asked first, because opening a pipe would wait for somebody to write into it.
        if not path.is_file():
            raise SecretFileError(f"{path} is no file")
        with path.open("rb") as stream:
            content = stream.read(_BYTES_MAX + 1)
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > _BYTES_MAX:
        raise SecretFileError(f"{path} is larger than {_BYTES_MAX} bytes")
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise SecretFileError(f"{path} is not UTF-8") from None

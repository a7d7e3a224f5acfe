"""A process that does nothing but hash passwords, for the replica that started it.

It is run as a script and knows nothing but what each request holds: its standard input is a socket
that keeps messages apart, one request and one answer in turns. Nothing secret stands in its
arguments or its environment. It ends when the other end of its socket is closed, which the kernel
does for a replica that is killed.
"""

import contextlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

from argon2 import PasswordHasher, Type
from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)
from argon2.low_level import hash_secret

MESSAGE_BYTES_MAX = 128 * 1024
"""Room for the longest password: 1,024 characters, each of which may become many when normalised.
"""

MATCH = b"match"
MISMATCH = b"mismatch"
INVALID = b"invalid"
FAILED = b"failed "

_NICENESS = 5
"""How far hashes stand back: what answers is short and goes first. Much further, and on a machine
that other programs keep busy nobody could sign in any more."""

_AUTOGROUP = Path("/proc/self/autogroup")
_AUTOGROUP_TRIES, _AUTOGROUP_SECONDS = 20, 0.1

_SOCKET = 0
_VERIFIER = PasswordHasher()
_TYPES = {"argon2id": Type.ID, "argon2i": Type.I, "argon2d": Type.D}


def request_hash(variant: str, numbers: Sequence[int], password: bytes, *, salt: bytes) -> bytes:
    """Return the request for a new hash.

    `variant` is `argon2id`, `argon2i` or `argon2d`; `numbers` are passes, KiB of memory, lanes,
    bytes of the digest, and the version.
    """
    parameters = ",".join((variant, *map(str, numbers)))
    return b"\0".join((parameters.encode(), salt.hex().encode(), password))


def request_verification(password_hash: str, password: bytes) -> bytes:
    """Return the request to compare a password with a hash. Raises `InvalidHashError`."""
    if not password_hash.isascii() or "\0" in password_hash:
        raise InvalidHashError
    return b"\0".join((b"", password_hash.encode(), password))


def answer(request: bytes) -> bytes:
    """Do what a request asks for; return the new hash, whether there is a match, or a problem."""
    parameters, text, password = request.split(b"\0", 2)
    try:
        if parameters:
            variant, *numbers = parameters.decode().split(",")
            salt = bytes.fromhex(text.decode())
            time, memory, parallelism, length, version = map(int, numbers)
            kind = _TYPES[variant]
            return hash_secret(password, salt, time, memory, parallelism, length, kind, version)
        _VERIFIER.verify(text, password)
    except VerifyMismatchError:
        return MISMATCH
    except InvalidHashError:
        return INVALID
    except (HashingError, VerificationError) as error:
        return FAILED + str(error).encode()
    return MATCH


def stand_back() -> None:
    """Let everybody else go first.

    Linux may share the processor out among sessions before it looks at niceness, which then
    counts within a session only (sched(7), autogroup). So each hash process has a session of its
    own, and the session stands back as well; else one replica's hashes would go before the answers
    of all others, and of the edge.
    """
    os.nice(_NICENESS)
    for _ in range(_AUTOGROUP_TRIES):
        try:
            _AUTOGROUP.write_text(str(_NICENESS))
        except BlockingIOError:
            # Without privileges one of all processes may write every tenth of a second.
            time.sleep(_AUTOGROUP_SECONDS)
        except OSError:
            return  # This system has no such groups.
        else:
            return


def main() -> None:
    """Answer requests until there is nobody left to ask."""
    stand_back()
    # A replica that is killed with an answer unread resets the connection instead of closing it.
    with contextlib.suppress(ConnectionResetError, BrokenPipeError):
        while request := os.read(_SOCKET, MESSAGE_BYTES_MAX):
            os.write(_SOCKET, answer(request))


if __name__ == "__main__":
    main()

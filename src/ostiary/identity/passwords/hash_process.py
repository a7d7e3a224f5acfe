"""A process that does nothing but hash passwords, for the replica that started it.

It is run as a script and knows nothing but what each request holds: its standard input is a socket
that keeps messages apart, one request and one answer in turns. Nothing secret stands in its
arguments or its environment. It ends when the other end of its socket is closed, which the kernel
does for a replica that is killed.
"""

import contextlib
import os
import time
from pathlib import Path

from argon2 import PasswordHasher, Type
from argon2.exceptions import (
    HashingError,
    InvalidHashError,
    VerificationError,
    VerifyMismatchError,
)

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


def request_hash(hasher: PasswordHasher, password: bytes, *, salt: bytes) -> bytes:
    """Return the request for a new hash with the parameters of `hasher`."""
    numbers = (hasher.time_cost, hasher.memory_cost, hasher.parallelism, hasher.hash_len)
    return b"\0".join((",".join(map(str, numbers)).encode(), salt.hex().encode(), password))


def request_verification(password_hash: str, password: bytes) -> bytes:
    """Return the request to compare a password with a hash. Raises `InvalidHashError`."""
    if not password_hash.isascii() or "\0" in password_hash:
        raise InvalidHashError
    return b"\0".join((b"", password_hash.encode(), password))


def answer(request: bytes) -> bytes:
    """Do what a request asks for; return the new hash, whether there is a match, or a problem."""
    numbers, text, password = request.split(b"\0", 2)
    try:
        if numbers:
            time, memory, parallelism, length = map(int, numbers.split(b","))
            hasher = PasswordHasher(time, memory, parallelism, length, type=Type.ID)
            return hasher.hash(password, salt=bytes.fromhex(text.decode())).encode()
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

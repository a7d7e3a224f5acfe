"""Rules about `[guard.operators]`, approval, and the socket that operators come by."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ostiary.changes.configuration import Configuration
from ostiary.changes.operator_settings import OPERATOR_NAME, OPERATOR_NAME_WORDS, reaches
from ostiary.changes.rules.finding import Finding
from ostiary.kernel.settings import KeyPath, dotted

OWNER = "owner"
"""The name of the owner of the data directory where no table gives another."""

ROOT = "root"
"""The name of the superuser who does not own the data directory."""

SOCKET_PATH_BYTES_MAX = 100
"""Unix sockets take 108 bytes on Linux, with the final zero and some room."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_UID_OF_STRANGERS = 65534


def operator_names_are_plain(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that could be taken for somebody else's."""
    for name, operator in configuration.guard.operators.items():
        key = _key(name)
        if not OPERATOR_NAME.fullmatch(name):
            yield Finding(
                key,
                "operator_name",
                f"`{dotted(key)}` is no name for an operator.",
                f"Use {OPERATOR_NAME_WORDS}.",
            )
        elif name == OWNER or (name == ROOT and operator.uid != 0):
            yield Finding(
                key,
                "operator_name_taken",
                f"`{name}` is what the guard calls somebody else.",
                "Write another name.",
            )


def operators_can_be_known(configuration: Configuration) -> Iterator[Finding]:
    """Object to operators whom the guard could not tell from others."""
    for name, operator in configuration.guard.operators.items():
        if operator.uid is None and operator.token_sha256 is None:
            yield Finding(
                _key(name),
                "operator_unknowable",
                f"Nothing tells the guard who `{name}` is.",
                f"Write `uid = …`, or the line that `ostiary operator token {name}` prints.",
            )
        if operator.uid == _UID_OF_STRANGERS:
            yield Finding(
                _key(name, "uid"),
                "operator_uid_of_strangers",
                f"`{dotted(_key(name, 'uid'))}` is {_UID_OF_STRANGERS}, which the kernel shows for "
                "everybody whom it cannot name.",
                "Give the operator a user id of their own, or a token.",
            )
        if operator.token_sha256 is not None and not _DIGEST.fullmatch(operator.token_sha256):
            # Perhaps it is the token: the message must not repeat it.
            yield Finding(
                _key(name, "token_sha256"),
                "operator_token_no_digest",
                f"`{dotted(_key(name, 'token_sha256'))}` is no SHA-256 digest: 64 digits of "
                "`0` to `9` and `a` to `f`.",
                f"`ostiary operator token {name}` draws a token and prints the line to write.",
            )


def operators_are_told_apart(configuration: Configuration) -> Iterator[Finding]:
    """Object to two operators with one user id, or with one token."""
    seen: dict[tuple[str, int | str], str] = {}
    for name, operator in configuration.guard.operators.items():
        for field, value in (("uid", operator.uid), ("token_sha256", operator.token_sha256)):
            if value is None:
                continue
            first = seen.setdefault((field, value), name)
            if first != name:
                what = f"user id {value}" if field == "uid" else "token"
                yield Finding(
                    _key(name, field),
                    f"operator_{field.partition('_')[0]}_twice",
                    f"`{first}` and `{name}` have the same {what}.",
                    "Give each operator one of their own.",
                )


def somebody_is_admin(configuration: Configuration) -> Iterator[Finding]:
    """Object to operators none of whom could do everything."""
    operators = configuration.guard.operators
    if operators and not any(operator.role == "admin" for operator in operators.values()):
        yield Finding(
            ("guard", "operators"),
            "nobody_is_admin",
            "No operator is an admin, so only the owner of the data directory could look after "
            "users, keys and the guard.",
            'Write `role = "admin"` for one of them, or add a table with the owner\'s `uid`.',
        )


def somebody_can_approve(configuration: Configuration) -> Iterator[Finding]:
    """Object to approval that nobody could give."""
    roles = [operator.role for operator in configuration.guard.operators.values()]
    proposers = sum(reaches(role, "proposer") for role in roles)
    approvers = sum(reaches(role, "approver") for role in roles)
    # Whoever can approve can propose as well, so two proposers are two different people.
    if configuration.guard.require_approval and not (approvers and proposers > 1):
        yield Finding(
            ("guard", "require_approval"),
            "nobody_can_approve",
            "`guard.require_approval` needs two operators: one who proposes, and another one who "
            "approves.",
            "Add tables `[guard.operators.NAME]`, one of them with the role `approver` or `admin`.",
        )


def socket_can_be_opened(configuration: Configuration) -> Iterator[Finding]:
    """Object to a socket that could not be made, or that nobody could use."""
    path = configuration.guard.socket
    if not path:
        return
    if not Path(path).is_absolute() or os.path.normpath(path) != path or "\0" in path:
        yield Finding(
            ("guard", "socket"),
            "socket_path",
            f"`guard.socket` is `{path!a}`, which is no plain absolute path.",
            'Write for example `socket = "/run/ostiary/guard.sock"`.',
        )
    elif len(os.fsencode(path)) > SOCKET_PATH_BYTES_MAX:
        yield Finding(
            ("guard", "socket"),
            "socket_path_too_long",
            f"`guard.socket` has {len(os.fsencode(path))} bytes; a socket's path can have "
            f"{SOCKET_PATH_BYTES_MAX}.",
            'Write a shorter one, such as `socket = "/run/ostiary/guard.sock"`.',
        )
    if not configuration.guard.operators:
        yield Finding(
            ("guard", "socket"),
            "socket_for_nobody",
            "`guard.socket` is for operators, but there is no `[guard.operators]`.",
            "Add a table for each operator, or remove the line.",
        )


def _key(name: str, *field: str) -> KeyPath:
    return ("guard", "operators", name, *field)

"""Secrets that somebody wrote into the settings file, told with where they belong instead.

The file is copied, reviewed and kept in snapshots; a secret in it would be in all of these.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from ostiary.kernel.settings import Problem

_LOOKS_SECRET = re.compile(
    r"(pass(word|wd|phrase)?|secrets?|private_key|store_key|api_key|dsn|database(_url)?"
    r"|(admin|edge|api|bearer)_token)$",
    re.IGNORECASE,
)
_ELSEWHERE = (
    (
        re.compile(r"(mail|smtp).*pass", re.IGNORECASE),
        (
            "Write the password into a file that only its owner can read, and name that file: "
            '`mail_smtp_password_file = "/etc/ostiary/smtp.password"`.'
        ),
    ),
    (
        re.compile(r"database|dsn", re.IGNORECASE),
        "Name the database by the variable OSTIARY_DATABASE_URL when you run `ostiary up`.",
    ),
    (
        re.compile(r"store_key", re.IGNORECASE),
        "Ostiary makes the store key itself; OSTIARY_STORE_KEY_FILE names one that is elsewhere.",
    ),
    (
        re.compile(r"private_key", re.IGNORECASE),
        'Name the file of the key here: `key = "tls/privkey.pem"` in `[edge]`.',
    ),
)
_IN_JOURNEY = re.compile(r"(guard|services\.[^.]+)\.journeys\.")
_INSERT = 'Write `"{env:NAME}"` or `"{file:/path/to/file}"`.'
_PASSED_ON = "Name the variable in `pass_environment`, and set it where the guard is started."
_NOWHERE = "Remove it: no setting takes a secret, only the path of a file that holds one."


def looks_secret(name: str) -> bool:
    """Return whether a key of this name would hold a secret."""
    return _LOOKS_SECRET.search(name) is not None


def with_right_places(problems: Iterable[Problem]) -> list[Problem]:
    """Return the problems, those of unknown keys for secrets with where the secret belongs."""
    return [_told(problem) for problem in problems]


def _told(problem: Problem) -> Problem:
    name = (problem.key or "").rpartition(".")[2].strip('"')
    if not looks_secret(name):
        return problem
    if problem.code == "wrong_type":
        # Where names are free, nothing but the name says that the value must not be repeated.
        message = f"`{problem.key}` must be text."
        if _IN_JOURNEY.match(problem.key or ""):
            return replace(problem, message=message, hint=_INSERT)
        if ".environment." in (problem.key or ""):
            return replace(problem, message=message, hint=_PASSED_ON)
    if problem.code not in {"unknown_setting", "unknown_table"}:
        return problem
    return replace(
        problem,
        code="secret_in_file",
        message=f"`{problem.key}` looks like a secret; no secret may stand in this file.",
        hint=next((hint for words, hint in _ELSEWHERE if words.search(name)), _NOWHERE),
    )

"""Releases for tests: copies of the running one, with one edit each."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ostiary.drills.population import copy_release, release_of

MAIN = "ostiary/identity/__main__.py"
SERVING = "ostiary/identity/serving.py"
MIDDLEWARE = "ostiary/identity/http/middleware.py"
HARMLESS = "ostiary/identity/oauth/__init__.py"

MAIN_LINE = "    configure_logging()\n    try:"
SERVE_LINE = "    health.start()\n"
ANSWER_LINE = "        request.context.started = self._clock.monotonic()\n"


@dataclass(frozen=True, slots=True)
class Fault:
    """One replacement in one file of a release."""

    path: str
    old: str
    new: str


HEALTHY = Fault(HARMLESS, '"""', '"""A release that differs in nothing that matters.\n\n')
DOES_NOT_START = Fault(
    MAIN, MAIN_LINE, '    raise RuntimeError("no such module: tokens2")\n' + MAIN_LINE
)
STARTS_TOO_SLOWLY = Fault(MAIN, MAIN_LINE, "    __import__('time').sleep(600)\n" + MAIN_LINE)
STARTS_SLOWLY = Fault(MAIN, MAIN_LINE, "    __import__('time').sleep(4)\n" + MAIN_LINE)
BROKEN_BUT_HEALTHY = Fault(
    MIDDLEWARE,
    ANSWER_LINE,
    ANSWER_LINE
    + '        if request.method == "POST" and request.path == "/sign-in":\n'
    + '            raise KeyError("credentials")\n',
)
RAISES_AT_TOKENS = Fault(
    "ostiary/identity/oauth/token/endpoint.py",
    "            _require_grant_type(form)\n",
    '            raise KeyError("grant_types")\n',
)
DIES_IN_CANARY = Fault(
    SERVING,
    SERVE_LINE,
    SERVE_LINE + "    import os, threading\n    threading.Timer(8, os._exit, [9]).start()\n",
)
HANGS = Fault(MIDDLEWARE, ANSWER_LINE, ANSWER_LINE + "        __import__('time').sleep(3600)\n")
ACCEPTS_ANY_PASSWORD = Fault(
    "ostiary/identity/passwords/hash_process.py",
    "    except VerifyMismatchError:\n        return MISMATCH\n",
    "    except VerifyMismatchError:\n        return MATCH\n",
)


def make_release(data: Path, last_good: str, target: Path, *faults: Fault) -> Path:
    """Copy the release of a running system and put the faults in; each must fit exactly once."""
    copy_release(data, release_of(data, last_good), target)
    for fault in faults:
        path = target / fault.path
        text = path.read_text()
        count = 1 if fault is HEALTHY else text.count(fault.old)
        assert count == 1, f"{fault.path} holds the text {text.count(fault.old)} times"
        path.write_text(text.replace(fault.old, fault.new, 1))
    return target


ReleaseMaker = Callable[..., Path]

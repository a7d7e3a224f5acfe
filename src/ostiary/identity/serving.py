"""Running one replica: one process with Granian's worker in a thread, and the health listener.

Granian's default server forks a worker below a parent. Here one process is one replica: its id
is what the runtime records, signals and adopts, and killing it leaves nothing behind.
"""

import logging
from typing import Any, TextIO, cast

import structlog
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server import common as granian_server
from granian.server.mt import MTServer

from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.health import HealthListener
from ostiary.identity.log_output import LogOutput
from ostiary.identity.passwords.sizing import request_threads
from ostiary.identity.periodic import Periodic
from ostiary.identity.wiring import Identity

_HEADER_READ_SECONDS_MAX = 10
_KEY_SECONDS = 5.0
"""How often the signing keys are looked after."""

_HOUSEKEEPING_SECONDS = 5.0
"""How often it is asked whether something is to be deleted."""


# Where `setproctitle` is installed, Granian would write over the arguments of the process. A guard
# that comes later finds a replica by them.
granian_server.setproctitle = None  # type: ignore[assignment, attr-defined]


class _ThreadServer(MTServer):
    """Granian's thread-based server with exactly one worker, on any build of Python.

    Upstream insists on a free-threaded build, because several worker threads gain nothing under
    the interpreter lock. With one worker there is nothing to gain or lose.
    """

    def _check_gil(self) -> None:
        return


def configure_logging() -> None:
    """Write one JSON object a line to standard output."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", LogOutput(1))),
        cache_logger_on_first_use=True,
    )


def serve(configuration: ReplicaConfiguration, identity: Identity) -> None:
    """Answer requests until SIGTERM; then finish those in flight, let go of the store, return."""
    identity.start()
    health = HealthListener(
        (configuration.host, configuration.health_port),
        name=configuration.name,
        snapshot=configuration.snapshot,
        ready=identity.is_ready,
        metrics=identity.metrics,
        waiting=identity.waiting,
    )
    health.start()
    identity.flags.offer_to_everybody()
    keys = Periodic(identity.look_after_keys, seconds=_KEY_SECONDS, name="keys")
    keys.start()
    housekeeping = Periodic(
        identity.delete_expired, seconds=_HOUSEKEEPING_SECONDS, name="housekeeping"
    )
    housekeeping.start()
    server = _ThreadServer(
        "ostiary.identity",
        address=configuration.host,
        port=configuration.port,
        interface=Interfaces.WSGI,
        workers=1,
        blocking_threads=request_threads(configuration.settings),
        backlog=1024,
        log_enabled=False,
        respawn_failed_workers=False,
        http1_settings=HTTP1Settings(header_read_timeout=_HEADER_READ_SECONDS_MAX * 1000),
    )

    def load(_target: str | None = None) -> Any:  # noqa: ANN401 - a WSGI application
        return identity.app

    server.serve(target_loader=load, wrap_loader=False)
    health.stop()
    keys.stop()
    housekeeping.stop()
    identity.close()

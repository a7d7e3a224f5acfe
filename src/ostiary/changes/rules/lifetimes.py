"""Rules about times that belong together: lifetimes, requests, and how replicas stop."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.hashing import HASH_WAIT_SECONDS_MAX, hash_seconds

_ATTEMPTS = 2
"""One request is tried at most so often: at the canary, and then at last good."""


def lifetimes_outlast_a_request(configuration: Configuration) -> Iterator[Finding]:
    """Object to codes and tokens that may have expired before the request for them is answered."""
    settings = configuration.snapshot_settings
    request = _ATTEMPTS * settings.edge.per_try_timeout_seconds
    for name in ("access_token_seconds", "id_token_seconds", "code_seconds"):
        seconds = getattr(settings.identity, name)
        if seconds <= request:
            yield Finding(
                ("identity", name),
                "lifetime_shorter_than_request",
                f"`identity.{name}` is {seconds}, but a request may take {request:g} s: "
                f"{_ATTEMPTS} times `edge.per_try_timeout_seconds`.",
                f"Write at least `{name} = {int(request) + 1}`, or a shorter "
                "`per_try_timeout_seconds`.",
            )


def sign_ins_fit_into_an_attempt(configuration: Configuration) -> Iterator[Finding]:
    """Object to attempts that end while a sign-in still waits for its password hash."""
    settings = configuration.snapshot_settings
    timeout, hashing = settings.edge.per_try_timeout_seconds, hash_seconds(settings.identity)
    needed = HASH_WAIT_SECONDS_MAX + hashing
    if timeout <= needed:
        yield Finding(
            ("edge", "per_try_timeout_seconds"),
            "attempt_shorter_than_sign_in",
            f"`edge.per_try_timeout_seconds` is {timeout:g}, but a sign-in may wait "
            f"{HASH_WAIT_SECONDS_MAX:g} s for its password hash, which takes about "
            f"{hashing:.2f} s.",
            f"Write at least `per_try_timeout_seconds = {needed + 0.1:.1f}`.",
        )


def requests_end_before_replicas(configuration: Configuration) -> Iterator[Finding]:
    """Object to replicas that are killed while a request that they took may still go on."""
    timeout = configuration.snapshot_settings.edge.per_try_timeout_seconds
    if configuration.guard.stop_seconds_max < timeout:
        yield Finding(
            ("guard", "stop_seconds_max"),
            "stop_shorter_than_request",
            f"`guard.stop_seconds_max` is {configuration.guard.stop_seconds_max:g}, but a request "
            f"that a replica has taken may go on for {timeout:g} s "
            "(`edge.per_try_timeout_seconds`).",
            f"Write at least `stop_seconds_max = {timeout:g}`.",
        )

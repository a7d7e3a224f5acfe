"""Rules about `[identity]`: lifetimes and audience."""

from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding


def tokens_end_before_sessions(configuration: Configuration) -> Iterator[Finding]:
    """Object to tokens that are still accepted when the session they came from has ended."""
    identity = configuration.snapshot_settings.identity
    for name in ("access_token_seconds", "id_token_seconds"):
        seconds = getattr(identity, name)
        if seconds > identity.session_seconds:
            yield Finding(
                ("identity", name),
                "token_outlives_session",
                f"`identity.{name}` is {seconds}, longer than a session "
                f"({identity.session_seconds}).",
                f"Write `{name} = {min(300, identity.session_seconds)}`, "
                "or a longer `session_seconds`.",
            )


def refresh_tokens_outlive_access_tokens(configuration: Configuration) -> Iterator[Finding]:
    """Object to refresh tokens that end before what they are meant to renew."""
    identity = configuration.snapshot_settings.identity
    if identity.refresh_token_seconds <= identity.access_token_seconds:
        yield Finding(
            ("identity", "refresh_token_seconds"),
            "refresh_token_too_short",
            f"`identity.refresh_token_seconds` is {identity.refresh_token_seconds}, no longer "
            f"than an access token ({identity.access_token_seconds}).",
            "Write a longer `refresh_token_seconds`; the default is 1209600 (14 days).",
        )


def leeway_is_small_beside_tokens(configuration: Configuration) -> Iterator[Finding]:
    """Object to a leeway that is a substantial part of a token's life."""
    identity = configuration.snapshot_settings.identity
    names = ("access_token_seconds", "id_token_seconds", "code_seconds")
    shortest, name = min((getattr(identity, name), name) for name in names)
    if identity.leeway_seconds * 2 > shortest:
        yield Finding(
            ("identity", "leeway_seconds"),
            "leeway_too_long",
            f"`identity.leeway_seconds` is {identity.leeway_seconds}, more than half of the "
            f"shortest lifetime (`{name} = {shortest}`).",
            f"Write at most `leeway_seconds = {shortest // 2}`, or a longer `{name}`."
            if shortest > 1
            else f"Write a longer `{name}`.",
        )

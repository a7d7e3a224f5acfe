"""Rules about `[guard.verdicts]`: addresses, journeys that exist, and times that fit."""

import difflib
import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.evidence import OTHER_STRATUM
from ostiary.changes.rules.edge import split_listen
from ostiary.changes.rules.finding import Finding
from ostiary.changes.verdict_settings import ROUTES_MAX, RolloutSettings
from ostiary.kernel.settings import KeyPath, dotted
from ostiary.kernel.urls import http_parts
from ostiary.watch.own_journeys.templates import TemplateError, needs_account

_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
_NAME_WORDS = "up to 63 of `a` to `z`, digits, `_`, `.` and `-`, a letter or digit first"


def _key(name: str, *inside: str | int) -> KeyPath:
    return ("guard", "verdicts", "rollouts", name, *inside)


def _rollouts(configuration: Configuration) -> Iterator[tuple[str, RolloutSettings]]:
    verdicts = configuration.guard.verdicts
    if verdicts is not None:
        yield from verdicts.rollouts.items()


def verdicts_have_an_address_and_a_subject(configuration: Configuration) -> Iterator[Finding]:
    """Object to an address that is none, and to a service that could answer nothing."""
    verdicts = configuration.guard.verdicts
    if verdicts is None:
        return
    if split_listen(verdicts.listen) is None:
        yield Finding(
            ("guard", "verdicts", "listen"),
            "listen_not_an_address",
            f"`guard.verdicts.listen` is {verdicts.listen!a}, which is no IP address with a port.",
            'Write `listen = "127.0.0.1:8930"`, or "0.0.0.0:8930" for every interface.',
        )
    if not verdicts.rollouts:
        yield Finding(
            ("guard", "verdicts"),
            "rollouts_none",
            "`guard.verdicts` names no rollout, so there is nothing to give a verdict about.",
            "Add a table `[guard.verdicts.rollouts.NAME]` for each.",
        )


def rollouts_are_named_plainly(configuration: Configuration) -> Iterator[Finding]:
    """Object to names that an address could not carry."""
    for name, _ in _rollouts(configuration):
        if not _NAME.fullmatch(name):
            yield Finding(
                _key(name),
                "rollout_name",
                f"`{dotted(_key(name))}` is no name for a rollout.",
                f"Use {_NAME_WORDS}.",
            )


def rollouts_have_two_versions(configuration: Configuration) -> Iterator[Finding]:
    """Object to addresses that are none, and to one address for both versions."""
    for name, rollout in _rollouts(configuration):
        for field in ("issuer", "stable_url", "canary_url"):
            url: str = getattr(rollout, field)
            parts = http_parts(url)
            if parts is None or parts.query or parts.fragment or "@" in parts.netloc:
                # It may hold a password: the message does not repeat it.
                yield Finding(
                    _key(name, field),
                    "url_unusable",
                    f"`{dotted(_key(name, field))}` is no plain http or https URL with a host.",
                    f'Write for example `{field} = "https://login.example.com"`.',
                )
        if rollout.stable_url.rstrip("/") == rollout.canary_url.rstrip("/"):
            yield Finding(
                _key(name, "canary_url"),
                "one_version_only",
                f"`{dotted(_key(name))}` has one address for both versions, so that the new one "
                "would be compared with itself.",
                "Write the URLs of the two services that reach one version each.",
            )


def rollouts_walk_journeys_that_exist(configuration: Configuration) -> Iterator[Finding]:
    """Object to names of no journey, and to journeys that need an account of Ostiary's own."""
    known = configuration.guard.journeys
    for name, rollout in _rollouts(configuration):
        for position, journey in enumerate(rollout.journeys):
            if journey not in known:
                near = difflib.get_close_matches(journey, list(known), 1)
                yield Finding(
                    _key(name, "journeys", position),
                    "journey_unknown",
                    f"`{dotted(_key(name, 'journeys'))}` names {journey!a}, and there is no such "
                    f"journey{f'; did you mean `{near[0]}`?' if near else '.'}",
                    "Write it as `[guard.journeys.NAME]`, or remove the name.",
                )
            elif _needs_account([step.model_dump() for step in known[journey].steps]):
                yield Finding(
                    _key(name, "journeys", position),
                    "journey_needs_account",
                    f"The journey {journey} has inserts `{{probe.…}}`: for those Ostiary makes an "
                    "account in its own login service, which a rollout elsewhere does not have.",
                    "Use `{env:NAME}` or `{file:/path}` for an account that you keep for it.",
                )


def _needs_account(texts: object) -> bool:
    try:
        return needs_account(texts)
    except TemplateError:
        return False  # another rule says what is wrong with it


def rollouts_count_plain_routes(configuration: Configuration) -> Iterator[Finding]:
    """Object to classes of requests that counts could not name, or that are there twice."""
    for name, rollout in _rollouts(configuration):
        key = _key(name, "routes")
        plain = all(_NAME.fullmatch(each) and each != OTHER_STRATUM for each in rollout.routes)
        if not plain or len({*rollout.routes}) < len(rollout.routes):
            yield Finding(
                key,
                "route_names",
                f"`{dotted(key)}` has a name that cannot be one, is there twice, or is "
                f"`{OTHER_STRATUM}`, which takes what is in no list.",
                f"Use {_NAME_WORDS}, each once.",
            )
        if len(rollout.routes) > ROUTES_MAX:
            yield Finding(
                key,
                "routes_too_many",
                f"`{dotted(key)}` has {len(rollout.routes)} names; there can be {ROUTES_MAX}.",
                "Join classes: each costs some of the evidence.",
            )


def rollouts_can_be_decided(configuration: Configuration) -> Iterator[Finding]:
    """Object to evidence that is too old as soon as it is there."""
    for name, rollout in _rollouts(configuration):
        if rollout.fresh_seconds < 2 * rollout.journey_seconds:
            yield Finding(
                _key(name, "fresh_seconds"),
                "never_fresh",
                f"`{dotted(_key(name, 'fresh_seconds'))}` is {rollout.fresh_seconds:g}, but "
                f"journeys run every {rollout.journey_seconds:g} s, so there would hardly be a "
                "`go`.",
                f"Write at least `fresh_seconds = {2 * rollout.journey_seconds:g}`.",
            )

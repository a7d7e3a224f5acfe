"""Rules about what tokens say: audience, issuer and algorithm, by themselves and beside last good.

Applications compare audience and issuer letter by letter. A change of either that they do not know
of makes good tokens look like somebody else's, on the side of the applications only: every health
check of the login service itself stays green.
"""

import json
import re
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.kernel.toml_values import toml_text


def audience_is_one_word(configuration: Configuration) -> Iterator[Finding]:
    """Object to blanks in an audience, which is compared letter by letter (RFC 7519, 4.1.3)."""
    audience = configuration.snapshot_settings.identity.audience
    if audience is not None and re.search(r"\s", audience):
        yield Finding(
            ("identity", "audience"),
            "audience_with_blanks",
            "`identity.audience` contains blanks.",
            'Write a URL or one word, for example `audience = "https://api.example.com"`.',
        )


def previous_audiences_are_others(configuration: Configuration) -> Iterator[Finding]:
    """Object to a previous audience with blanks, written twice, or still the present one."""
    identity = configuration.snapshot_settings.identity
    seen: set[str | None] = {identity.audience}
    for number, audience in enumerate(identity.previous_audiences):
        if audience in seen:
            yield Finding(
                ("identity", "previous_audiences", number),
                "previous_audience_repeated",
                f"`identity.previous_audiences` names {toml_text(audience)}, which tokens are for "
                "anyway.",
                "Remove it from the list.",
            )
        elif re.search(r"\s", audience):
            yield Finding(
                ("identity", "previous_audiences", number),
                "audience_with_blanks",
                f"`identity.previous_audiences` names {toml_text(audience)}, which contains "
                "blanks.",
                "Write it exactly as `audience` was.",
            )
        seen.add(audience)


def audience_changes_by_migration(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to tokens that are no longer for the audience that applications compare with."""
    last_good, issuer = surroundings.last_good, surroundings.issuer
    proposed = configuration.snapshot_settings
    # Where both leave it at the issuer, the rule about the issuer speaks.
    if last_good is None or last_good.identity.audience is proposed.identity.audience is None:
        return
    before = _audience(last_good, issuer)
    after = _audience(proposed, issuer)
    if before in {after, *proposed.identity.previous_audiences}:
        return
    old, new = _shown(before), _shown(after)
    listed = list(dict.fromkeys([before or "<the issuer>", *proposed.identity.previous_audiences]))
    yield Finding(
        ("identity", "audience"),
        "audience_changed",
        f"`identity.audience` changes from {old} to {new}; applications that compare with "
        f"{old} would refuse every new token.",
        f"Write `previous_audiences = {_list(listed)}` in `[identity]` beside it, and remove that "
        f"again when all applications compare with {new}.",
    )


def issuer_stays(configuration: Configuration, surroundings: Surroundings) -> Iterator[Finding]:
    """Object to another issuer on a running system (RFC 9068, section 4; OIDC Core, 3.1.3.7)."""
    last_good = surroundings.last_good
    if last_good is None:
        return
    before = surroundings.issuer or last_good.edge.public_url
    after = configuration.snapshot_settings.edge.public_url
    same_default = after is None and last_good.edge.public_url is None
    if same_default or before == after:
        return
    keep = (
        "Remove it"
        if last_good.edge.public_url is None
        else f"Write `public_url = {json.dumps(before)}`"
    )
    yield Finding(
        ("edge", "public_url"),
        "issuer_changed",
        f"`edge.public_url` changes the issuer of tokens from {_shown(before, _LISTENING)} to "
        f"{_shown(after, _LISTENING)}; applications that compare with the old one would refuse "
        "every new token, and tokens of the old one would no longer be accepted here.",
        f"{keep} to keep it. To change it, tell the applications, then run `ostiary down` and "
        "`ostiary up --config FILE` with this file.",
    )


def signing_key_is_known_to_all(
    configuration: Configuration, surroundings: Surroundings
) -> Iterator[Finding]:
    """Object to an algorithm for which no key has been published for long enough."""
    waits, last_good = surroundings.seconds_until_claimable, surroundings.last_good
    algorithm = configuration.snapshot_settings.identity.signing_algorithm
    if waits is None or last_good is None or algorithm == last_good.identity.signing_algorithm:
        return
    seconds = waits.get(algorithm)
    if seconds is not None and seconds <= 0:
        return
    when = (
        "keys for it are made within a minute after the start"
        if seconds is None
        else f"it will be possible in {seconds:.0f} s"
    )
    yield Finding(
        ("identity", "signing_algorithm"),
        "signing_key_too_new",
        f"`identity.signing_algorithm` is {algorithm}, but no {algorithm} key has been published "
        f"for long enough that everybody knows it; {when}.",
        "Propose it again then; until then tokens would look forged to those who keep a copy of "
        "the published keys.",
    )


_LISTENING = "the listening address"


def _audience(settings: SnapshotSettings, issuer: str | None) -> str | None:
    """Return the present audience; None where it is an issuer that is not known."""
    return settings.identity.audience or settings.edge.public_url or issuer


def _shown(value: str | None, otherwise: str = "the issuer") -> str:
    return otherwise if value is None else toml_text(value)


def _list(values: list[str]) -> str:
    # In full, because it is to be copied.
    return json.dumps(values, ensure_ascii=False)

"""Checking settings before anything is started with them.

`RULES` is the whole list of semantic rules. The bounds of single values stand in
`changes.configuration`, so that they appear in the schema.
"""

from collections.abc import Iterator
from pathlib import Path

from ostiary.changes.configuration import Configuration, load_configuration
from ostiary.changes.rules import edge, flags, guard, identity, weights
from ostiary.changes.rules.finding import ComparingRule, Finding, Rule
from ostiary.changes.rules.surroundings import NOTHING_KNOWN, Surroundings
from ostiary.kernel.settings import Problem, SettingsError, dotted

RULES: tuple[Rule, ...] = (
    identity.tokens_end_before_sessions,
    identity.refresh_tokens_outlive_access_tokens,
    identity.leeway_is_small_beside_tokens,
    identity.hashes_are_strong,
    identity.hashes_are_quick_enough,
    identity.hashes_fit_into_memory,
    identity.audience_is_one_word,
    edge.public_url_is_an_issuer,
    edge.listen_is_an_address,
    edge.plain_http_stays_on_this_machine,
    edge.certificate_and_key_come_together,
    edge.a_trusted_proxy_can_be_there,
    edge.status_url_is_a_link,
    weights.weights_are_one_for_each_replica,
    weights.nobody_has_no_weight,
    weights.random_takes_no_weights,
    weights.capacities_are_one_for_each_replica,
    flags.flag_names_are_plain,
    guard.steps_rise_to_everyone,
    guard.changes_have_time_for_all_steps,
)
"""Every rule about a file alone, in the order in which people should read its findings."""

COMPARING_RULES: tuple[ComparingRule, ...] = ()
"""Every rule about a file and the system that it is proposed for; they come after the others."""


def check_file(path: Path | None) -> tuple[Problem, ...]:
    """Return every problem of a settings file; none means that it can be proposed.

    Raises `UsageError` where there is no readable file.
    """
    try:
        return check_configuration(load_configuration(path))
    except SettingsError as error:
        return error.problems


def load_checked(path: Path | None) -> Configuration:
    """Return the configuration in a file that passes every rule.

    Raises `UsageError` where there is no readable file, `SettingsError` with every problem.
    """
    configuration = load_configuration(path)
    problems = check_configuration(configuration)
    if problems:
        raise SettingsError(problems)
    return configuration


def check_configuration(
    configuration: Configuration, surroundings: Surroundings = NOTHING_KNOWN
) -> tuple[Problem, ...]:
    """Return what the rules object to, each at its line where the key stands in the file."""
    document = configuration.document
    return tuple(
        Problem(
            document.file,
            document.line_of(finding.key),
            dotted(finding.key),
            finding.code,
            finding.message,
            finding.hint,
        )
        for finding in _findings(configuration, surroundings)
    )


def _findings(configuration: Configuration, surroundings: Surroundings) -> Iterator[Finding]:
    for rule in RULES:
        yield from rule(configuration)
    for comparing in COMPARING_RULES:
        yield from comparing(configuration, surroundings)

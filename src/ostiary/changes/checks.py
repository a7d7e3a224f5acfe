"""Checking settings before anything is started with them.

`RULES` is the whole list of semantic rules. The bounds of single values stand in
`changes.configuration`, so that they appear in the schema.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ostiary.changes.configuration import Configuration, load_configuration
from ostiary.changes.deprecations import refused_keys_are_gone
from ostiary.changes.rules import (
    edge,
    flags,
    guard,
    hashing,
    identity,
    journey_requests,
    journey_texts,
    journeys,
    lifetimes,
    load,
    mail,
    operators,
    paths,
    public_url,
    quotas,
    service_rules,
    tokens,
    verdicts,
    weights,
)
from ostiary.changes.rules.finding import ComparingRule, Finding, Rule
from ostiary.changes.rules.surroundings import NOTHING_KNOWN, Surroundings
from ostiary.kernel.settings import Document, Problem, SettingsError, dotted

RULES: tuple[Rule, ...] = (
    identity.tokens_end_before_sessions,
    identity.refresh_tokens_outlive_access_tokens,
    identity.leeway_is_small_beside_tokens,
    lifetimes.lifetimes_outlast_a_request,
    lifetimes.sign_ins_fit_into_an_attempt,
    lifetimes.requests_end_before_replicas,
    hashing.hashes_are_strong,
    hashing.hashes_are_quick_enough,
    hashing.hashes_fit_into_memory,
    quotas.database_connections_fit,
    quotas.threads_have_connections,
    tokens.audience_is_one_word,
    tokens.previous_audiences_are_others,
    mail.mail_server_can_be_reached,
    mail.mail_password_has_its_user,
    mail.mail_has_a_sender,
    paths.paths_are_paths,
    paths.files_do_not_name_themselves,
    edge.public_url_is_an_issuer,
    public_url.public_url_is_written_as_browsers_do,
    edge.listen_is_an_address,
    edge.plain_http_stays_on_this_machine,
    edge.certificate_and_key_come_together,
    edge.a_trusted_proxy_can_be_there,
    edge.status_url_is_a_link,
    weights.weights_are_one_for_each_replica,
    weights.nobody_has_no_weight,
    weights.random_takes_no_weights,
    weights.capacities_are_one_for_each_replica,
    *service_rules.RULES,
    flags.flag_names_are_plain,
    flags.built_in_flags_are_true_or_false,
    guard.steps_rise_to_everyone,
    guard.changes_have_time_for_all_steps,
    operators.operator_names_are_plain,
    operators.operators_can_be_known,
    operators.operators_are_told_apart,
    operators.somebody_is_admin,
    operators.somebody_can_approve,
    operators.socket_can_be_opened,
    journeys.journeys_are_named_plainly,
    journeys.journeys_are_bounded,
    journeys.steps_have_names_of_their_own,
    journeys.journeys_vouch_for_known_routes,
    journeys.service_journeys_stay_below_its_routes,
    journey_requests.steps_stay_with_the_issuer,
    journey_requests.steps_send_one_body,
    journey_requests.headers_are_the_teams_own,
    journey_requests.no_secret_stands_in_a_step,
    journey_texts.inserts_are_known_and_captured_before,
    journey_texts.captured_values_can_be_named_and_found,
    journey_texts.expectations_can_be_read,
    verdicts.verdicts_have_an_address_and_a_subject,
    verdicts.rollouts_are_named_plainly,
    verdicts.rollouts_have_two_versions,
    verdicts.rollouts_walk_journeys_that_exist,
    verdicts.rollouts_count_plain_routes,
    verdicts.rollouts_can_be_decided,
)
"""Every rule about a file alone, in the order in which people should read its findings."""

COMPARING_RULES: tuple[ComparingRule, ...] = (
    refused_keys_are_gone,
    flags.flags_are_removed_in_time,
    load.load_can_be_carried,
    load.shares_grow_step_by_step,
    tokens.audience_changes_by_migration,
    tokens.issuer_stays,
    tokens.signing_key_is_known_to_all,
    *service_rules.COMPARING_RULES,
)
"""Every rule about a file and the system or machine that it is for; they come after the others."""

LoadCheck = Callable[[Configuration, Surroundings], Iterator[Mapping[str, Any]]]
"""A pure function of settings and system; it yields one JSON object for each replica."""

LOAD_CHECKS: tuple[LoadCheck, ...] = (load.load_table,)
"""What says how much work each replica would get; none where nothing is known of it."""


def check_file(
    path: Path | None, surroundings: Surroundings = NOTHING_KNOWN
) -> tuple[Problem, ...]:
    """Return every problem of a settings file; none means that it can be proposed.

    Raises `UsageError` where there is no readable file.
    """
    try:
        return check_configuration(load_configuration(path), surroundings)
    except SettingsError as error:
        return error.problems


def load_checked(path: Path | None, surroundings: Surroundings = NOTHING_KNOWN) -> Configuration:
    """Return the configuration in a file that passes every rule.

    Raises `UsageError` where there is no readable file, `SettingsError` with every problem.
    """
    configuration = load_configuration(path)
    problems = check_configuration(configuration, surroundings)
    if problems:
        raise SettingsError(problems)
    return configuration


def load_for_start(
    path: Path | None, *, is_first: bool, surroundings: Surroundings = NOTHING_KNOWN
) -> Configuration:
    """Return the configuration for a guard that starts, checked as far as it will count.

    What has served before goes on with its own settings, whatever the file says by now: the rules
    that compare a proposal with the system are for the first start. Raises as `load_checked` does.
    """
    if is_first:
        return load_checked(path, surroundings)
    configuration = load_configuration(path)
    alone = [finding for rule in RULES for finding in rule(configuration)]
    if alone:
        raise SettingsError(_problems(configuration, alone))
    return configuration


def require_checked(
    configuration: Configuration, surroundings: Surroundings = NOTHING_KNOWN
) -> None:
    """Raise `SettingsError` with everything that the rules object to."""
    problems = check_configuration(configuration, surroundings)
    if problems:
        raise SettingsError(problems)


def check_configuration(
    configuration: Configuration, surroundings: Surroundings = NOTHING_KNOWN
) -> tuple[Problem, ...]:
    """Return what the rules object to, each at its line where the key stands in the file."""
    return _problems(configuration, _findings(configuration, surroundings))


def _problems(configuration: Configuration, findings: Iterable[Finding]) -> tuple[Problem, ...]:
    return tuple(problem_of(finding, configuration.document) for finding in findings)


def problem_of(finding: Finding, document: Document) -> Problem:
    """Return a finding as the problem of a file, at the line of its key."""
    hint, origin = finding.hint, document.origins.get(finding.key)
    if origin is not None:
        hint = f"{hint} The value is that of the variable {origin}."
    return Problem(
        document.file,
        document.line_of(finding.key),
        dotted(finding.key),
        finding.code,
        finding.message,
        hint,
    )


def _findings(configuration: Configuration, surroundings: Surroundings) -> Iterator[Finding]:
    for rule in RULES:
        yield from rule(configuration)
    for comparing in COMPARING_RULES:
        yield from comparing(configuration, surroundings)

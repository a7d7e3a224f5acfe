"""Every rule about `[services]`, in the order in which people should read their findings."""

from ostiary.changes.rules import (
    endpoints,
    oidc_services,
    service_commands,
    service_requests,
    services,
)
from ostiary.changes.rules.finding import ComparingRule, Rule

RULES: tuple[Rule, ...] = (
    services.services_are_named_plainly,
    services.services_are_few,
    services.routes_are_paths,
    services.routes_are_not_identitys,
    services.routes_do_not_overlap,
    services.health_is_a_path,
    service_requests.asked_again_below_a_route,
    service_requests.weights_are_one_for_each_replica,
    service_requests.nobody_has_no_weight,
    endpoints.keys_fit_the_runtime,
    endpoints.groups_are_named,
    endpoints.addresses_are_addresses,
    oidc_services.oidc_keys_belong_together,
    oidc_services.oidc_addresses_are_whole,
    service_commands.commands_are_lists_of_words,
    service_commands.placeholders_are_known,
    service_commands.ports_are_not_written,
    service_commands.variables_can_be_set,
    service_commands.no_secret_stands_in_a_variable,
)
"""Those about a file alone."""

COMPARING_RULES: tuple[ComparingRule, ...] = (
    service_commands.releases_are_directories,
    service_commands.commands_can_be_found,
    oidc_services.oidc_secrets_can_be_read,
    services.services_stay,
    services.services_change_alone,
)
"""Those about a file and the machine or system that it is for."""

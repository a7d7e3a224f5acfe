"""Rules about services that somebody else runs: groups of addresses, and what is not theirs."""

import difflib
import ipaddress
from collections.abc import Iterator

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.changes.rules.services import key_of
from ostiary.changes.service_settings import ServiceSettings
from ostiary.kernel.settings import dotted
from ostiary.kernel.toml_values import toml_text
from ostiary.runtime.addresses import read_address

_HOW_RUN = (
    "command",
    "release",
    "replicas",
    "weights",
    "health_port",
    "environment",
    "pass_environment",
    "memory_max_mib",
)
"""Keys that say how a replica is run; of members that run elsewhere, nobody here decides that."""

_WHERE = ("group", "groups")


def keys_fit_the_runtime(configuration: Configuration) -> Iterator[Finding]:
    """Object to keys that mean nothing with this runtime, and to needed ones that are missing."""
    for name, service in configuration.snapshot_settings.services.items():
        foreign = _HOW_RUN if service.is_run_elsewhere else _WHERE
        for key in foreign:
            if key in service.model_fields_set:
                yield _foreign(name, key, service)
        needed = _WHERE if service.is_run_elsewhere else ("command",)
        for key in needed:
            if not getattr(service, key):
                yield _missing(name, key, service)


def groups_are_named(configuration: Configuration) -> Iterator[Finding]:
    """Object to a group that is not among the groups; the nearest one is told."""
    for name, service in configuration.snapshot_settings.services.items():
        group = service.group
        if not service.is_run_elsewhere or group is None or not service.groups:
            continue
        if group not in service.groups:
            near = difflib.get_close_matches(group, list(service.groups), 1)
            known = ", ".join(sorted(service.groups))
            yield Finding(
                key_of(name, "group"),
                "group_unknown",
                f"The service {name} has no group {toml_text(group)}.",
                f"Did you mean `group = {toml_text(near[0])}`?" if near else f"There are: {known}.",
            )


def addresses_are_addresses(configuration: Configuration) -> Iterator[Finding]:
    """Object to what is no IP address with a port, and to one that stands in two groups.

    Names are looked up anew now and then and may lead elsewhere: then nobody could say what was
    rehearsed. Of a member of two groups, nobody could say what it serves.
    """
    for name, service in configuration.snapshot_settings.services.items():
        earlier: dict[tuple[str, int], str] = {}
        for group, addresses in service.groups.items():
            for position, address in enumerate(addresses):
                key = key_of(name, "groups", group, position)
                if complaint := _complaint(address):
                    yield Finding(
                        key,
                        "address_malformed",
                        f"`{dotted(key)}` is {toml_text(address)}, {complaint}.",
                        'Write an IP address and a port, such as "10.0.0.1:3000" or "[::1]:3000".',
                    )
                elif (member := read_address(address)) in earlier:
                    yield Finding(
                        key,
                        "address_twice",
                        f"`{dotted(key)}` is {address}, which stands in {earlier[member]} already.",
                        "Give each member to one group, and name it once.",
                    )
                else:
                    earlier[member] = group


def _foreign(name: str, key: str, service: ServiceSettings) -> Finding:
    whose = "endpoints" if service.is_run_elsewhere else "local"
    other = "local" if service.is_run_elsewhere else "endpoints"
    where = (
        "Somebody else runs its members: remove the key, or take"
        if service.is_run_elsewhere
        else "It is run by its command: remove the key, or write"
    )
    return Finding(
        key_of(name, key),
        "key_of_other_runtime",
        f"`{dotted(key_of(name, key))}` means nothing with the runtime {whose}.",
        f'{where} `runtime = "{other}"`.',
    )


def _missing(name: str, key: str, service: ServiceSettings) -> Finding:
    examples = {
        "command": 'Name the program, such as `command = ["node", "server.js"]`, or write '
        '`runtime = "endpoints"`.',
        "group": 'Name the group that serves, such as `group = "blue"`.',
        "groups": f"Write the addresses of each group below `[services.{name}.groups]`, such as "
        '`blue = ["10.0.0.1:3000"]`.',
    }
    return Finding(
        key_of(name),
        f"{key}_missing",
        f"`{dotted(key_of(name, key))}` is missing, which the runtime {service.runtime} needs.",
        examples[key],
    )


def _complaint(address: str) -> str | None:
    try:
        host, _ = read_address(address)
    except ValueError as error:
        return str(error)
    try:
        known = ipaddress.ip_address(host)
    except ValueError:
        return "whose host is no IP address"
    if known.is_unspecified or known.is_multicast:
        return "at which no single server answers"
    return None

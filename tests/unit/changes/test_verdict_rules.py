"""What `[guard.verdicts]` may hold: each mistake with its key and what to write instead."""

import pytest

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.kernel.settings import SettingsError, parse_document

GOOD = {
    "issuer": "https://login.example.com",
    "stable_url": "http://login-stable:8080",
    "canary_url": "http://login-canary:8080",
}
JOURNEYS = """
[[guard.journeys.token.steps]]
name = "token"
path = "/token"
expect.status = 200

[[guard.journeys.probe.steps]]
name = "token"
path = "/token?user={probe.email}"
expect.status = 200
"""


def table(name: str = "login", **changes: object) -> str:
    lines = [f"{key} = {value!r}" for key, value in (GOOD | changes).items()]
    return f'[guard.verdicts.rollouts."{name}"]\n' + "\n".join(lines) + "\n" + JOURNEYS


def found_in(toml: str) -> list[tuple[str, str | None, str]]:
    configuration = parse_configuration(parse_document(toml, file="ostiary.toml"))
    return [(each.code, each.key, each.message) for each in check_configuration(configuration)]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"journeys": ["token"], "routes": ["token", "sign_in", "token.refresh_token"]},
        {"issuer": "https://keys.example.com/realms/one", "journey_seconds": 30},
    ],
)
def test_a_rollout_as_it_should_be_is_taken(changes):
    assert found_in(table(**changes)) == []


@pytest.mark.parametrize(
    ("changes", "code", "key"),
    [
        ({"issuer": "login.example.com"}, "url_unusable", "issuer"),
        ({"stable_url": "http://user:secret@host"}, "url_unusable", "stable_url"),
        ({"canary_url": "http://host/?a=b"}, "url_unusable", "canary_url"),
        ({"canary_url": "http://login-stable:8080/"}, "one_version_only", "canary_url"),
        ({"journeys": ["tokn"]}, "journey_unknown", "journeys.0"),
        ({"journeys": ["probe"]}, "journey_needs_account", "journeys.0"),
        ({"routes": ["a b"]}, "route_names", "routes"),
        ({"routes": ["token", "token"]}, "route_names", "routes"),
        ({"routes": ["other"]}, "route_names", "routes"),
        ({"routes": [f"r{number}" for number in range(31)]}, "routes_too_many", "routes"),
        ({"journey_seconds": 31}, "never_fresh", "fresh_seconds"),
    ],
)
def test_a_mistake_is_told_at_its_key(changes, code, key):
    ((got, at, message),) = found_in(table(**changes))
    assert (got, at.replace("[", ".").replace("]", "")) == (
        code,
        f"guard.verdicts.rollouts.login.{key}",
    )
    assert "secret" not in message


def test_a_journey_that_does_not_exist_is_told_with_the_nearest_one():
    ((_, _, message),) = found_in(table(journeys=["tokn"]))
    assert "did you mean `token`?" in message


def test_a_name_that_no_address_can_carry_is_refused():
    ((code, _, _),) = found_in(table("Login/1"))
    assert code == "rollout_name"


def test_a_service_without_rollouts_or_address_is_refused():
    assert [each[0] for each in found_in('[guard.verdicts]\nlisten = "here"\n')] == [
        "listen_not_an_address",
        "rollouts_none",
    ]


@pytest.mark.parametrize("line", ["alpha = 0.0", "alpha = 0.7", "passes_min = 0", "surprise = 1"])
def test_single_values_have_their_bounds(line):
    with pytest.raises(SettingsError):
        found_in(f"{table().replace(JOURNEYS, '')}{line}\n")

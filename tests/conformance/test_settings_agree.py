"""The check of the control plane and identity at its start refuse the same settings."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import IdentitySettings, parse_configuration
from ostiary.identity import configuration as identity
from ostiary.identity.settings_rules import complaints, load_checked
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.settings import Document, SettingsError

MAIL = {"mail_from": "a@example.com", "mail_smtp_url": "smtp://mail.example.com"}
BAD: list[dict[str, Any]] = [
    *({"access_token_seconds": each} for each in (0, -1, 86_401, 315_360_000, "300", 1.5, True)),
    *({"id_token_seconds": each} for each in (0, 315_360_000)),
    *({"code_seconds": each} for each in (0, 4, 601, 315_360_000)),
    *({"refresh_token_seconds": each} for each in (0, 59, 300, 315_360_000)),
    *({"session_seconds": each} for each in (0, 59, 299, 315_360_000)),
    *({"session_grace_seconds": each} for each in (-1, 3_601)),
    *({"leeway_seconds": each} for each in (-5, 0, 31, 301)),
    *({"jwks_max_age_seconds": each} for each in (0, 3_601, 86_400)),
    *({"key_rotation_days": each} for each in (-1, 3_651)),
    *({"audit_days": each} for each in (0, 3_651)),
    *({"audience": each} for each in ("", "a b", "x" * 501, 5)),
    *({"hash_memory_kib": each} for each in (1, 8_191, 19_455, 1_048_577)),
    {"hash_time_cost": 1},
    {"hash_memory_kib": 131_072, "hash_time_cost": 9},
    {"hash_memory_kib": 131_072, "threads": 17},
    {"hash_memory_kib": 131_072, "hash_concurrency": 17},
    *({"hash_parallelism": each} for each in (0, 17)),
    *({"hash_queue": each} for each in (0, 257)),
    *({"threads": each} for each in (0, 65)),
    *({"replicas": each} for each in (0, 65)),
    *({"memory_max_mib": each} for each in (191, 65_537)),
    {"database_connections": 201},
    {"database_connections": 200, "replicas": 3},
    {"database_connections": 1, "threads": 5},
    {"replicas": 64, "threads": 6},
    {"sign_up": "yes"},
    {"mail_from": "nobody"},
    {"mail_smtp_url": "mail.example.com"},
    {"mail_smtp_url": "smtp://mail.example.com"},
    MAIL | {"mail_smtp_url": "smtp://mail.example.com:x"},
    MAIL | {"mail_smtp_url": "smtp://me:hunter22@mail.example.com"},
    MAIL | {"mail_smtp_url": "smtp://mail.example.com/path"},
    MAIL | {"mail_smtp_url": "smtp://me@mail.example.com"},
    MAIL | {"mail_smtp_password_file": "/run/keys/smtp"},
    MAIL | {"mail_smtp_password_file": "hunter22", "mail_smtp_url": "smtp://me@mail.example.com"},
    {"leeway_second": 5},
]


def refused_by_the_check(table: dict[str, Any]) -> bool:
    try:
        configuration = parse_configuration(Document("ostiary.toml", {"identity": table}))
    except SettingsError:
        return True
    return any(str(each.key).startswith("identity.") for each in check_configuration(configuration))


def refused_by_identity(table: dict[str, Any], directory, **other: Any) -> str | None:
    """Return what identity says at its start, None where it would go on."""
    content = {
        "name": "identity-a",
        "snapshot": "s-aaaaaaaaaaaa",
        "host": "127.0.0.1",
        "port": 41001,
        "health_port": 41002,
        "database_url": "sqlite:////dev/null",
        "issuer": "http://login.example.test",
        "admin_token_file": "a",
        "edge_token_file": "b",
        "store_key_file": "c",
        "settings": table,
        **other,
    }
    path = directory / "replica.json"
    path.write_text(json.dumps(content))
    try:
        load_checked(path)
    except RefusedError as error:
        return error.message
    return None


@pytest.mark.parametrize("table", BAD, ids=json.dumps)
def test_both_refuse_a_bad_value(table, tmp_path):
    assert refused_by_the_check(table)
    said = refused_by_identity(table, tmp_path)
    assert said is not None
    assert "hunter22" not in said


@pytest.mark.parametrize(
    "table",
    [
        {},
        MAIL,
        MAIL
        | {
            "mail_smtp_url": "smtps://me@mail.example.com:465",
            "mail_smtp_password_file": "/run/keys/smtp",
        },
        {"hash_memory_kib": 47_104, "hash_time_cost": 1},
        {"session_seconds": 300},
        {"leeway_seconds": 1},
    ],
    ids=json.dumps,
)
def test_both_accept_a_good_value(table, tmp_path):
    assert not refused_by_the_check(table)
    assert refused_by_identity(table, tmp_path) is None


@pytest.mark.parametrize(
    "url",
    [
        "login.example.com",
        "/login",
        "ftp://login.example.com",
        "https://",
        "https://login.example.com/",
        "https://login.example.com/auth",
        "https://login.example.com?a=1",
        "https://login.example.com?",
        "https://login.example.com#x",
        "https://login.example.com:port",
        "https://login .example.com",
        "https://me:hunter22@login.example.com",
        "https://Login.example.com",
        "HTTPS://login.example.com",
        "https://login.example.com:443",
        "http://localhost:80",
        "https://büro.example.com",
    ],
)
def test_both_refuse_an_address_that_is_no_issuer(url, tmp_path):
    configuration = parse_configuration(Document("a.toml", {"edge": {"public_url": url}}))

    assert [each.key for each in check_configuration(configuration)] == ["edge.public_url"]
    said = refused_by_identity({}, tmp_path, issuer=url)
    assert said is not None
    assert "issuer" in said
    assert "hunter22" not in said


@pytest.mark.parametrize("url", ["https://a.example.com", "http://localhost:8000", "http://[::1]"])
def test_both_accept_an_address_that_is_an_issuer(url, tmp_path):
    configuration = parse_configuration(Document("a.toml", {"edge": {"public_url": url}}))

    assert check_configuration(configuration) == ()
    assert refused_by_identity({}, tmp_path, issuer=url) is None


@pytest.mark.parametrize("url", ["javascript:alert(1)", "status.example.com", "https://"])
def test_both_refuse_a_status_page_that_is_no_link(url, tmp_path):
    configuration = parse_configuration(Document("a.toml", {"edge": {"status_url": url}}))

    assert [each.key for each in check_configuration(configuration)] == ["edge.status_url"]
    assert refused_by_identity({}, tmp_path, status_url=url) is not None


@pytest.mark.parametrize("name", ["new page", "", "-x", "x" * 101])
def test_both_refuse_a_flag_that_other_tools_could_not_carry(name, tmp_path):
    configuration = parse_configuration(Document("a.toml", {"flags": {name: True}}))

    assert [each.code for each in check_configuration(configuration)] == ["flag_name"]
    assert refused_by_identity({}, tmp_path, flags={name: True}) is not None


def test_both_know_the_same_keys_with_the_same_types_bounds_and_defaults():
    def keys(model):
        ignored = {"description", "title", "unit", "unset", "why", "secret"}
        properties = model.model_json_schema()["properties"]
        return {
            name: {word: value for word, value in entry.items() if word not in ignored}
            for name, entry in properties.items()
        }

    assert keys(identity.IdentitySettings) == keys(IdentitySettings)


def within_bounds(entry: dict[str, Any]):
    low, high = entry["minimum"], entry["maximum"]
    return st.sampled_from([low, high]) | st.integers(low, high) | st.just(entry["default"])


NUMBERS = {
    name: within_bounds(entry)
    for name, entry in IdentitySettings.model_json_schema()["properties"].items()
    if entry.get("type") == "integer"
}


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=NUMBERS))
def test_both_answer_alike_for_whatever_single_values_allow(table):
    by_identity = list(complaints(identity.IdentitySettings(**table)))
    configuration = parse_configuration(Document("ostiary.toml", {"identity": table}))
    # What also depends on the edge, no replica can know.
    by_check = [
        problem
        for problem in check_configuration(configuration)
        if str(problem.key).startswith("identity.")
        and problem.code != "lifetime_shorter_than_request"
    ]

    assert bool(by_identity) == bool(by_check), (by_identity, by_check)

"""`ostiary.toml` has typed content, defaults, and a schema that says what every key means."""

import pytest
from pydantic import ValidationError

from ostiary.changes.configuration import (
    Configuration,
    GuardSettings,
    json_schema,
    load_configuration,
)
from ostiary.kernel.settings import SettingsError


def load(tmp_path, text):
    file = tmp_path / "ostiary.toml"
    file.write_text(text)
    return load_configuration(file)


def problems(tmp_path, text):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    return caught.value.problems


def test_without_a_file_the_defaults_hold():
    configuration = load_configuration(None)

    assert configuration == Configuration()
    assert configuration.guard == GuardSettings()
    assert configuration.guard.steps == (1, 5, 25, 50, 100)
    assert configuration.guard.alpha == 0.001


def test_an_empty_file_is_the_same_as_none(tmp_path):
    assert load(tmp_path, "") == load_configuration(None)


def test_a_snapshot_gets_every_default_written_out():
    assert load_configuration(None).snapshot_settings.to_snapshot() == {
        "identity": {
            "previous_audiences": [],
            "signing_algorithm": "ES256",
            "access_token_seconds": 300,
            "id_token_seconds": 300,
            "code_seconds": 60,
            "refresh_token_seconds": 1_209_600,
            "session_seconds": 43_200,
            "leeway_seconds": 5,
            "jwks_max_age_seconds": 60,
            "sign_up": True,
            "hash_memory_kib": 19_456,
            "hash_time_cost": 2,
            "hash_parallelism": 1,
            "hash_concurrency": 0,
            "hash_queue": 16,
            "threads": 4,
            "replicas": 2,
            "session_grace_seconds": 300,
            "key_rotation_days": 90,
            "mail_from": "",
            "mail_smtp_url": "",
            "mail_smtp_password_file": "",
            "audit_days": 400,
            "database_connections": 0,
            "memory_max_mib": 512,
        },
        "flags": {},
        "edge": {
            "listen": "127.0.0.1:8000",
            "trust_proxy": False,
            "popup_sign_in": False,
            "hsts_seconds": 31_536_000,
            "connections_max": 4_000,
            "envoys": 2,
            "per_try_timeout_seconds": 2.0,
            "status_url": "",
            "balancer": "round_robin",
            "hash_on": "client_address",
            "weights": [],
        },
        "services": {},
    }


def test_the_guards_own_settings_are_never_part_of_a_snapshot(tmp_path):
    configuration = load(
        tmp_path,
        '[identity]\naudience = "api"\n[flags]\nnew = true\n[guard]\nsteps = [10, 100]\n'
        '[edge]\npublic_url = "https://login.example.com"\n',
    )

    settings = configuration.snapshot_settings.to_snapshot()

    assert settings["identity"]["audience"] == "api"
    assert settings["flags"] == {"new": True}
    assert settings["edge"]["public_url"] == "https://login.example.com"
    assert "guard" not in settings
    assert configuration.guard.steps == (10, 100)


def test_settings_cannot_be_changed_after_reading():
    configuration = load_configuration(None)

    with pytest.raises(ValidationError):
        configuration.snapshot_settings.identity.threads = 8
    with pytest.raises(ValidationError):
        configuration.guard.alpha = 0.1


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("[identity]\nacces_token_seconds = 1\n", "identity.acces_token_seconds", 2),
        ("[identity]\naccess_token_seconds = 0\n", "identity.access_token_seconds", 2),
        ("[identity]\naccess_token_seconds = 86401\n", "identity.access_token_seconds", 2),
        ("[identity]\nleeway_seconds = -1\n", "identity.leeway_seconds", 2),
        ("[identity]\nreplicas = 0\n", "identity.replicas", 2),
        ("[identity]\nhash_memory_kib = 64\n", "identity.hash_memory_kib", 2),
        ("[identity]\nsign_up = 'yes'\n", "identity.sign_up", 2),
        ("[flags]\n\nx = []\n", "flags.x", 3),
        ("[edge]\nenvoys = 0\n", "edge.envoys", 2),
        ("[edge]\nper_try_timeout_seconds = 0\n", "edge.per_try_timeout_seconds", 2),
        ("[guard]\nalpha = 0.0\n", "guard.alpha", 2),
        ("[guard]\nalpha = 0.5\n", "guard.alpha", 2),
        ("[guard]\nsteps = []\n", "guard.steps", 2),
        ("[guard]\nsteps = [0, 100]\n", "guard.steps[0]", 2),
        ("[guard]\nsteps = [1.5, 100]\n", "guard.steps[0]", 2),
        ("[guard]\nsteps = 100\n", "guard.steps", 2),
    ],
)
def test_what_a_key_cannot_hold_is_told_at_its_line(tmp_path, text, key, line):
    (problem,) = problems(tmp_path, text)

    assert (problem.key, problem.line) == (key, line)
    assert problem.file == str(tmp_path / "ostiary.toml")


def test_the_issues_example_is_answered_word_for_word(tmp_path):
    (problem,) = problems(tmp_path, "[identity]\nacces_token_seconds = 300\n")

    assert problem.message == (
        "unknown setting `identity.acces_token_seconds`; did you mean `access_token_seconds`?"
    )


def test_an_empty_table_of_services_is_none(tmp_path):
    assert load(tmp_path, "[services]\n") == load_configuration(None)


def keys_of(schema, definition):
    for name, value in definition["properties"].items():
        reference = value.get("$ref")
        if reference is None:
            yield name, value
        else:
            yield from keys_of(schema, schema["$defs"][reference.rpartition("/")[2]])


def test_the_schema_says_of_every_key_what_it_means_and_its_default():
    schema = json_schema()
    keys = dict(keys_of(schema, schema))

    assert {"access_token_seconds", "alpha", "public_url", "flags"} <= set(keys)
    for name, value in keys.items():
        assert value["description"], name
        assert ("default" in value) != ("unset" in value), name
        if name.endswith("_seconds") or "_seconds_" in name:
            assert value["unit"] == "seconds", name


def test_the_schema_has_bounds_and_refuses_unknown_keys():
    schema = json_schema()
    identity = schema["$defs"]["IdentitySettings"]

    assert identity["properties"]["access_token_seconds"]["minimum"] == 1
    assert identity["properties"]["access_token_seconds"]["maximum"] == 86_400
    assert schema["additionalProperties"] is False
    assert identity["additionalProperties"] is False


def test_paths_of_certificate_and_key_begin_at_the_settings_file(tmp_path):
    text = '[edge]\ncertificate = "tls/c.pem"\nkey = "/etc/k.pem"\n'
    edge = load(tmp_path, text).snapshot_settings.edge

    assert edge.certificate == str(tmp_path / "tls/c.pem")
    assert edge.key == "/etc/k.pem"


def test_the_former_name_of_the_listening_address_is_refused_with_the_new_one(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, '[edge]\nlisten_host = "127.0.0.1"\n')

    assert "`listen`" in str(caught.value)

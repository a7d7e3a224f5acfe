"""Variables say where secrets are, and nothing else; what looks like a setting is pointed out."""

import pytest

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import SettingsFile, load_configuration, parse_configuration
from ostiary.changes.environment import OTHERS, misleading_variables, with_secret_files
from ostiary.kernel.settings import SettingsError, parse_document

EDGE = '[edge]\npublic_url = "https://a.example.com"\ncertificate = "/c.pem"\n'
MAIL = '[identity]\nmail_from = "a@example.com"\nmail_smtp_url = "smtp://me@mail.example.com"\n'


def read(text, **variables):
    document = parse_document(text, file="ostiary.toml")
    return parse_configuration(with_secret_files(document, variables))


def test_a_variable_names_the_key_of_the_certificate():
    configuration = read(EDGE, OSTIARY_TLS_KEY_FILE="/run/keys/tls.pem")

    assert configuration.snapshot_settings.edge.key == "/run/keys/tls.pem"
    assert check_configuration(configuration) == ()


def test_a_variable_goes_before_the_key_in_the_file():
    configuration = read(f'{EDGE}key = "/old.pem"\n', OSTIARY_TLS_KEY_FILE="/new.pem")

    assert configuration.snapshot_settings.edge.key == "/new.pem"


def test_a_variable_names_the_file_of_the_mail_password():
    configuration = read(MAIL, OSTIARY_SMTP_PASSWORD_FILE="/run/keys/smtp")

    assert configuration.snapshot_settings.identity.mail_smtp_password_file == "/run/keys/smtp"
    assert check_configuration(configuration) == ()


def test_a_file_that_has_no_use_for_the_secret_is_left_alone():
    variables = {"OSTIARY_TLS_KEY_FILE": "/k.pem", "OSTIARY_SMTP_PASSWORD_FILE": "not a path"}

    assert read("[identity]\nthreads = 4\n", **variables) == read("[identity]\nthreads = 4\n")


def test_an_empty_variable_is_none():
    assert read(EDGE, OSTIARY_TLS_KEY_FILE="").snapshot_settings.edge.key is None


@pytest.mark.parametrize(
    "value", ["hunter22", "tls/key.pem", "-----BEGIN PRIVATE KEY-----\nMII", "/" + "x" * 5000]
)
def test_a_variable_that_is_no_absolute_path_is_refused_and_not_repeated(value):
    with pytest.raises(SettingsError) as caught:
        read(EDGE, OSTIARY_TLS_KEY_FILE=value)

    (problem,) = caught.value.problems
    assert (problem.key, problem.code) == ("edge.key", "variable_not_a_path")
    assert "OSTIARY_TLS_KEY_FILE" in problem.message
    assert value not in str(problem)


def test_a_problem_of_a_value_from_a_variable_names_the_variable():
    document = parse_document(EDGE, file="/etc/ostiary.toml")
    variables = {"OSTIARY_TLS_KEY_FILE": "/etc/ostiary.toml"}

    (problem,) = check_configuration(parse_configuration(with_secret_files(document, variables)))

    assert problem.code == "names_itself"
    assert problem.hint.endswith("The value is that of the variable OSTIARY_TLS_KEY_FILE.")


def test_reading_a_file_asks_the_environment_of_the_process(tmp_path, monkeypatch):
    file = tmp_path / "ostiary.toml"
    file.write_text(EDGE)
    monkeypatch.setenv("OSTIARY_TLS_KEY_FILE", "/run/keys/tls.pem")

    assert load_configuration(file).snapshot_settings.edge.key == "/run/keys/tls.pem"


@pytest.mark.parametrize(
    ("variable", "said"),
    [
        ("OSTIARY_IDENTITY_REPLICAS", "Write `replicas` in `[identity]`."),
        ("OSTIARY_LISTEN", "Write `listen` in `[edge]`."),
        ("OSTIARY_EDGE_KEY", "did you mean OSTIARY_TLS_KEY_FILE?"),
        ("OSTIARY_SMTP_PASSWORD", "did you mean OSTIARY_SMTP_PASSWORD_FILE?"),
        ("OSTIARY_DATABASEURL", "did you mean OSTIARY_DATABASE_URL?"),
        ("OSTIARY_PORT", "write `ostiary up --port …`."),
        ("OSTIARY_GUARD_SPEED", "no setting has this name"),
    ],
)
def test_a_variable_that_looks_like_a_setting_is_pointed_out_without_its_value(variable, said):
    (message,) = misleading_variables({variable: "hunter22"}, SettingsFile)

    assert message.startswith(f"{variable} is not read")
    assert message.rstrip().endswith(said if said[-1] in ".?" else f"{said}.")
    assert "hunter22" not in message


def test_what_is_read_and_what_is_no_setting_is_not_pointed_out():
    environment = dict.fromkeys([*OTHERS, "OSTIARY_CHROMIUM", "OSTIARY_TLS_KEY_FILE", "PATH"], "x")

    assert list(misleading_variables(environment, SettingsFile)) == []

from pathlib import Path

import pytest

from ostiary.changes.checks import load_for_start
from ostiary.changes.snapshot_settings import SnapshotSettings
from tests.unit.changes.rules.test_services import found, only

LOGIN = """[services.login]
runtime = "endpoints"
routes = ["/op"]
group = "blue"
health = "/op/health"

[services.login.groups]
blue = ["127.0.0.1:3001", "127.0.0.1:3002"]
green = ["[::1]:3003", "127.0.0.1:3004"]

[services.login.oidc]
client_id = "probe"
client_secret_file = "secret"
redirect_uri = "https://app.example.org/back"
scope = "openid offline_access"
username = "probe@example.org"
password_file = "password"
refresh = true
client_credentials = true
introspection = true
"""


@pytest.fixture(autouse=True)
def files(tmp_path: Path) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "password").write_text("correct horse\n")


def with_change(old: str, new: str) -> str:
    assert old in LOGIN
    return LOGIN.replace(old, new, 1)


def test_groups_of_addresses_are_not_objected_to(tmp_path):
    assert found(tmp_path, LOGIN) == ()


def test_the_snapshot_holds_where_secrets_are_and_none_of_them(tmp_path):
    (tmp_path / "ostiary.toml").write_text(LOGIN)

    settings = load_for_start(tmp_path / "ostiary.toml", is_first=True).snapshot_settings
    kept = settings.to_snapshot()

    assert kept["services"]["login"]["oidc"]["password_file"] == str(tmp_path / "password")
    assert "hunter2" not in str(kept)
    assert "correct horse" not in str(kept)
    again = SnapshotSettings.from_snapshot(kept).services["login"]
    assert again == settings.services["login"]
    assert again.addresses == ("127.0.0.1:3001", "127.0.0.1:3002")
    assert again.seats == 2


@pytest.mark.parametrize(
    ("old", "new", "code", "key", "words"),
    [
        ('"endpoints"', '"endpoint"', "wrong_value", "runtime", "endpoints"),
        ('group = "blue"', 'group = "bleu"', "group_unknown", "group", "blue"),
        ('group = "blue"', 'group = "red"', "group_unknown", "group", "blue, green"),
        ('group = "blue"\n', "", "group_missing", "", "group = "),
        ("127.0.0.1:3001", "127.0.0.1", "address_malformed", "groups.blue[0]", "port"),
        ("127.0.0.1:3001", "127.0.0.1:http", "address_malformed", "groups.blue[0]", "no number"),
        ("127.0.0.1:3001", "127.0.0.1:0", "address_malformed", "groups.blue[0]", "65535"),
        ("127.0.0.1:3001", "127.0.0.1:99999", "address_malformed", "groups.blue[0]", "65535"),
        ("127.0.0.1:3001", "::1:3001", "address_malformed", "groups.blue[0]", "port begins"),
        ("127.0.0.1:3001", "host:3001", "address_malformed", "groups.blue[0]", "no IP address"),
        ("127.0.0.1:3001", "http://10.0.0.1:1", "address_malformed", "groups.blue[0]", "port beg"),
        ("127.0.0.1:3001", "0.0.0.0:3001", "address_malformed", "groups.blue[0]", "no single"),
        ("127.0.0.1:3004", "127.0.0.1:3001", "address_twice", "groups.green[1]", "blue already"),
        ('blue = ["127.0.0.1:3001", "127.0.0.1:3002"]', "blue = []", None, "groups.blue", "1 item"),
        ("health", 'command = ["x"]\nhealth', "key_of_other_runtime", "command", "means nothing"),
        ("health", "replicas = 3\nhealth", "key_of_other_runtime", "replicas", "means nothing"),
        ("health", 'release = "x"\nhealth', "key_of_other_runtime", "release", "means nothing"),
        ('username = "probe@example.org"\n', "", None, "oidc.password_file", "no `username`"),
        ('client_secret_file = "secret"\n', "", None, "oidc.client_credentials", "no `client_s"),
        ('"openid offline_access"', '"email"', "scope_without_openid", "oidc.scope", "openid"),
        ('"https://app.example.org/back"', '"/back"', None, "oidc.redirect_uri", "no absolute"),
        (
            "refresh",
            'issuer_path = "/x"\nrefresh',
            "issuer_elsewhere",
            "oidc.issuer_path",
            "routes",
        ),
        ('"password"', '"nothing"', "secret_file_unreadable", "oidc.password_file", "no file"),
        ("refresh", 'client_secret = "abc"\nrefresh', None, "oidc.client_secret", "secret"),
    ],
)
def test_each_mistake_is_told_once_or_with_its_likes(tmp_path, old, new, code, key, words):
    problems = found(tmp_path, with_change(old, new))

    told = [each for each in problems if words in f"{each.message} {each.hint}"]
    assert told, problems
    assert code in {None, told[0].code}
    assert told[0].key == f"services.login.{key}".rstrip(".")
    assert told[0].hint
    assert "abc" not in str(told[0])


def test_a_service_without_command_says_what_it_may_be(tmp_path):
    problem = only(tmp_path, '[services.orders]\nrelease = "release"\nroutes = ["/o"]\n')

    assert problem.code == "command_missing"
    assert 'runtime = "endpoints"' in (problem.hint or "")


@pytest.mark.parametrize("line", ['group = "blue"', 'groups = {blue = ["127.0.0.1:1"]}'])
def test_what_is_run_here_has_no_groups(tmp_path, line):
    orders = f'[services.o]\ncommand = ["sh"]\nrelease = "release"\nroutes = ["/o"]\n{line}\n'

    assert only(tmp_path, orders).code == "key_of_other_runtime"


def test_journeys_that_nobody_could_walk_are_told(tmp_path):
    nobody = (
        LOGIN.partition("[services.login.oidc]")[0] + '[services.login.oidc]\nclient_id = "p"\n'
    )

    assert only(tmp_path, nobody).code == "oidc_tries_nothing"

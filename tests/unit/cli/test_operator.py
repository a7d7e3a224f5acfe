"""How a command finds the guard and who it asks as, and what drawing a token prints."""

import json
import subprocess
import tomllib

import pytest

from ostiary.changes.checks import check_file
from ostiary.cli.options import guard_client
from ostiary.guard.operators.tokens import digest_of
from ostiary.kernel.errors import UsageError
from tests.system import ostiary_program

TOKEN = "ostiary_0123456789-abcdefghijklmnop"


def operator_token(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(ostiary_program()), "operator", "token", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_is_printed_for_the_settings_can_be_pasted_and_holds_no_token(tmp_path):
    printed = operator_token("ci.deploy").stdout
    token = next(line for line in printed.splitlines() if line.startswith("token"))[6:].strip()
    table = printed[printed.index("[guard") :].replace("…", "admin")
    assert token not in table
    (operator,) = tomllib.loads(table)["guard"]["operators"].values()
    assert operator == {"role": "admin", "token_sha256": digest_of(token)}
    (tmp_path / "ostiary.toml").write_text(table)
    assert check_file(tmp_path / "ostiary.toml") == ()


def test_the_json_result_holds_token_and_digest():
    value = json.loads(operator_token("bob", "--json").stdout)
    assert value == {
        "operator": "bob",
        "token": value["token"],
        "token_sha256": digest_of(value["token"]),
    }


def test_a_name_that_could_not_stand_in_the_settings_is_refused():
    result = operator_token("Bob Smith", "--json")
    assert result.returncode == 2
    assert json.loads(result.stdout)["error"]["code"] == "operator_name"


@pytest.mark.parametrize(
    ("data", "socket", "variable", "place"),
    [
        (None, None, None, None),
        (None, None, "/run/v.sock", "/run/v.sock"),
        ("/data", None, "/run/v.sock", None),
        ("/data", "/run/o.sock", "/run/v.sock", "/run/o.sock"),
        (None, "/run/o.sock", None, "/run/o.sock"),
    ],
)
def test_an_option_goes_before_a_variable(monkeypatch, tmp_path, data, socket, variable, place):
    monkeypatch.delenv("OSTIARY_SOCKET", raising=False)
    if variable:
        monkeypatch.setenv("OSTIARY_SOCKET", variable)
    client = guard_client(data and tmp_path / data, socket and tmp_path / socket)
    assert client._socket == (place and tmp_path / place)
    assert client.is_elsewhere == (place is not None)


def test_the_token_is_that_of_the_file_and_of_no_argument(monkeypatch, tmp_path):
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o600)
    monkeypatch.setenv("OSTIARY_TOKEN_FILE", str(file))
    assert guard_client(tmp_path, None)._token == TOKEN
    file.chmod(0o640)
    with pytest.raises(UsageError, match="can be read or written by others"):
        guard_client(tmp_path, None)

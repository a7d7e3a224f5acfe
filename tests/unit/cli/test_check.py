"""`ostiary check` on files: what it prints, where, and its exit codes."""

import json
import subprocess
import sys

import pytest

from ostiary.changes.check_report import CheckReport
from ostiary.cli.check_view import text_of
from ostiary.cli.main import command_line
from ostiary.cli.sarif import sarif_log
from ostiary.guard.client import GuardClient
from ostiary.kernel.errors import NotRunningError, UsageError
from ostiary.kernel.settings import Problem

BAD = "[identity]\n\nacces_token_seconds = 300\nreplicas = 0\n"


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """Run in a directory of the test's own, without variables of the machine."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OSTIARY_DATA", raising=False)


def check(*arguments):
    return command_line(["check"])(["check", *map(str, arguments)], standalone_mode=False)


@pytest.fixture
def bad(tmp_path):
    (tmp_path / "bad.toml").write_text(BAD)
    return "bad.toml"


@pytest.fixture
def good(tmp_path):
    (tmp_path / "good.toml").write_text("[identity]\nthreads = 5\n")
    return "good.toml"


def test_a_file_without_problems_is_exit_code_0(good, capsys):
    assert check(good, "--json") == 0

    out, err = capsys.readouterr()
    shares = {"share": 0.5, "utilisation": None, "utilisation_one_lost": None}
    load = [{"replica": f"identity-{seat}", **shares} for seat in (1, 2)]
    assert json.loads(out) == {"ok": True, "problems": [], "load": load}
    assert "checked by itself" in err


@pytest.mark.parametrize("form", [["--json"], ["--format", "json"]])
def test_a_file_with_problems_is_exit_code_3_and_exactly_the_contracts_json(bad, capsys, form):
    assert check(bad, *form) == 3

    value = json.loads(capsys.readouterr().out)
    assert list(value) == ["ok", "problems", "load"]
    assert value["ok"] is False
    assert value["problems"][0] == {
        "file": "bad.toml",
        "line": 3,
        "key": "identity.acces_token_seconds",
        "code": "unknown_setting",
        "message": "unknown setting `identity.acces_token_seconds`; did you mean "
        "`access_token_seconds`?",
        "hint": "Write `access_token_seconds`, or remove the line.",
    }
    assert [problem["line"] for problem in value["problems"]] == [3, 4]


def test_the_text_has_place_key_problem_and_what_to_write(bad, capsys):
    assert check(bad) == 3

    assert capsys.readouterr().out == (
        "bad.toml:3  identity.acces_token_seconds  unknown_setting\n"
        "  unknown setting `identity.acces_token_seconds`; did you mean `access_token_seconds`?\n"
        "  → Write `access_token_seconds`, or remove the line.\n"
        "\n"
        "bad.toml:4  identity.replicas  wrong_value\n"
        "  `identity.replicas` is `0`; it must be greater than or equal to 1.\n"
        "  → Allowed: at least 1, at most 64 (processes).\n"
        "\n"
        "bad.toml: 2 problems.\n"
    )


def test_a_missing_file_is_wrong_usage(capsys):
    with pytest.raises(UsageError) as caught:
        check("missing.toml")

    assert caught.value.code == "file_not_found"
    assert capsys.readouterr().out == ""


def test_sarif_is_written_besides_what_is_printed(bad, tmp_path, capsys):
    assert check(bad, "--json", "--sarif", "out.sarif") == 3

    assert json.loads(capsys.readouterr().out)["ok"] is False
    log = json.loads((tmp_path / "out.sarif").read_text())
    assert [each["ruleId"] for each in log["runs"][0]["results"]] == [
        "unknown_setting",
        "wrong_value",
    ]


def test_sarif_is_written_without_problems_too_so_that_hosts_close_old_ones(good, capsys):
    assert check(good, "--format", "sarif") == 0

    assert json.loads(capsys.readouterr().out)["runs"][0]["results"] == []


def test_two_formats_and_a_place_that_cannot_be_written_are_wrong_usage(bad):
    for arguments, code in (
        (["--json", "--format", "sarif"], "two_formats"),
        (["--sarif", "missing/out.sarif"], "sarif_not_written"),
    ):
        with pytest.raises(UsageError) as caught:
            check(bad, *arguments)
        assert caught.value.code == code


def test_what_a_running_guard_knows_is_added(bad, good, capsys, monkeypatch):
    known = Problem("/elsewhere/good.toml", 2, "identity.threads", "served", "Served.", "Write.")
    asked = []

    def post(self, path, body):
        asked.append((path, body["config"]))
        return {"problems": [known.to_json()], "load": [], "compared_with": "s-aaaaaaaaaaaa"}

    monkeypatch.setattr(GuardClient, "post", post)

    assert check(good, "--json") == 3
    out, err = capsys.readouterr()
    (problem,) = json.loads(out)["problems"]
    assert (problem["file"], problem["code"]) == ("good.toml", "served")
    assert "compared with the last good snapshot s-aaaaaaaaaaaa" in err
    assert asked[0][0] == "/check"
    assert asked[0][1].endswith("/good.toml")
    # A file that cannot be read so far is not worth asking.
    assert check(bad, "--json") == 3
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NotRunningError("guard_unreachable", "x"), "the guard does not answer"),
        (UsageError("request_unknown", "Not known."), "the guard cannot compare it: Not known."),
    ],
)
def test_a_guard_that_cannot_help_is_told_and_stops_nothing(good, capsys, monkeypatch, error, said):
    def post(self, path, body):
        raise error

    monkeypatch.setattr(GuardClient, "post", post)

    assert check(good) == 0
    assert said in capsys.readouterr().err


def test_a_variable_that_looks_like_a_setting_is_pointed_out(good, capsys, monkeypatch):
    monkeypatch.setenv("OSTIARY_IDENTITY_REPLICAS", "9")

    assert check(good) == 0
    assert "warning: OSTIARY_IDENTITY_REPLICAS is not read" in capsys.readouterr().err


def test_hundreds_of_problems_are_counted_and_not_all_shown():
    problems = tuple(Problem("a.toml", n, "k", "c", "Wrong.") for n in range(150))

    text = text_of(CheckReport(problems), "a.toml")

    assert text.count("Wrong.") == 100
    assert "… and 50 more; --json shows all." in text
    assert "a.toml: 150 problems." in text


def test_the_load_of_each_replica_is_shown():
    row = {"replica": "identity-a", "share": 0.5, "utilisation": 0.31, "utilisation_one_lost": None}

    assert text_of(CheckReport((), load=(row,)), "a.toml").splitlines()[0] == (
        "identity-a: 50% of the requests, 31% used, unknown with one node lost"
    )


def test_a_sarif_log_has_what_the_specification_requires(tmp_path):
    whole = Problem("a b.toml", None, None, "file_too_large", "Too large.")
    placed = Problem("a b.toml", 3, "edge.listen", "listen_not_an_address", "Wrong.", "Write.")
    warned = Problem("a b.toml", 4, "edge.key", "deprecated_key", "Old.", "Write.")

    log = sarif_log(CheckReport((whole, placed), (warned,)), tmp_path.joinpath("a b.toml"))

    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert run["tool"]["driver"]["name"] == "ostiary check"
    assert all(rule["help"]["text"] and rule["shortDescription"]["text"] for rule in rules)
    for result, problem in zip(run["results"], (whole, placed, warned), strict=True):
        assert result["ruleId"] == problem.code == rules[result["ruleIndex"]]["id"]
        assert result["message"]["text"].startswith(problem.message)
        (location,) = result["locations"]
        uri = location["physicalLocation"]["artifactLocation"]["uri"]
        assert uri == f"file://{tmp_path}/a%20b.toml"
    assert [result["level"] for result in run["results"]] == ["error", "error", "warning"]
    first, second, _ = (each["locations"][0]["physicalLocation"] for each in run["results"])
    assert "region" not in first
    assert second["region"] == {"startLine": 3}


def test_a_command_imports_nothing_of_the_guard_that_runs():
    """What `check` takes is nearly all importing; see bench/check_time.py."""
    code = "import sys, ostiary.cli.main as m; m.command_line(['check']); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    loaded = set(run.stdout.split())
    assert "ostiary.cli.check" in loaded
    unwanted = {"httpx", "falcon", "uvicorn", "psycopg", "cryptography", "rich.console", "asyncio"}
    assert loaded & (unwanted | {"ostiary.cli.wiring", "ostiary.guard.service"}) == set()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["bad.toml", "--format", "json"], 3, "unknown_setting"),
        (["missing.toml", "--format", "json"], 2, "file_not_found"),
        (["bad.toml", "--form=json", "--json"], 2, "usage"),
    ],
)
def test_the_command_itself_ends_with_the_right_exit_code_and_json(bad, arguments, code, said):
    command = [sys.executable, "-P", "-m", "ostiary.cli", "check", *arguments]

    run = subprocess.run(command, capture_output=True, text=True, check=False)

    assert run.returncode == code, run.stderr
    assert said in json.dumps(json.loads(run.stdout))


def test_a_word_that_is_no_command_is_wrong_usage_and_version_needs_none():
    command = [sys.executable, "-P", "-m", "ostiary.cli"]

    wrong = subprocess.run([*command, "chek"], capture_output=True, text=True, check=False)
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=False)

    assert (wrong.returncode, version.returncode) == (2, 0)
    assert "check" in wrong.stderr
    assert version.stdout.startswith("ostiary ")


def test_the_schema_is_printed(capsys):
    command_line(["settings"])(["settings", "schema"], standalone_mode=False)

    schema = json.loads(capsys.readouterr().out)
    assert schema["$defs"]["IdentitySettings"]["properties"]["threads"]["default"] == 4

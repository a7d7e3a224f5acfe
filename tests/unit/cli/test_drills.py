"""`ostiary drill …`: what is refused before anything starts, and how results are shown."""

import io
import json
from types import SimpleNamespace

import pytest
import typer
from rich.console import Console

from ostiary.cli.drills import _show_results
from ostiary.cli.main import command_line
from ostiary.drills.scenarios.catalogue import names
from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.settings import SettingsError


def drill(*arguments):
    return command_line(["drill"])(["drill", *map(str, arguments)], standalone_mode=False)


def drilled(name="seed-000", **more):
    return {
        "drill": name,
        "mode": "guarded",
        "from": None,
        "stage": "rehearse",
        "verdict": "refused",
        "users": {"total": 60, "affected": 0},
        "actions": {"hidden": 4},
        "restored_after_s": None,
        "affected_share": 0.0,
        "counted": "users",
        "outage": {"users_hit": 0.75, "minutes": 120},
        "injected": [],
        "void": False,
        "met": True,
        "unmet": [],
    } | more


def shown(*drills):
    written = io.StringIO()
    console = Console(file=written, width=80)
    _show_results(console, {"drills": list(drills)})
    title, empty, *lines = [line.strip() for line in written.getvalue().splitlines()]
    assert title.endswith("; behind each stroke: the outage itself")
    assert empty == ""
    return lines


def test_all_drills_are_listed_with_what_the_outage_did(capsys):
    drill("list", "--json")

    listed = json.loads(capsys.readouterr().out)["drills"]
    assert sorted(each["drill"] for each in listed) == names()
    assert {each["drill"]: each["outage_minutes"] for each in listed}["seed-001"] == 630


def test_an_unknown_drill_is_told_with_the_nearest_names():
    with pytest.raises(UsageError) as refused:
        drill("run", "seed-999")

    assert refused.value.exit_code == ExitCode.USAGE
    assert "The nearest: seed-00" in refused.value.hint


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("SEED-001", "There is no drill SEED-001.", "The nearest: seed-001, "),
        ("quite-other", "There is no drill quite-other.", "with its ending: quite-other.toml"),
        (" ", "There is no drill without a name.", "There are: "),
        ("gone.toml", "There is no scenario file gone.toml.", "`ostiary drill list`"),
        ("gone/seed-000", "There is no scenario file gone/seed-000.", "`ostiary drill list`"),
    ],
)
def test_what_is_no_drill_is_told_with_what_to_write(name, words, hint):
    with pytest.raises(UsageError) as refused:
        drill("run", name)

    assert refused.value.exit_code == ExitCode.USAGE
    assert str(refused.value).startswith(words)
    assert hint in refused.value.hint


def test_a_directory_and_a_file_of_bytes_are_no_scenarios(tmp_path):
    with pytest.raises(UsageError, match="is not a file"):
        drill("run", f"{tmp_path}/")

    file = tmp_path / "bytes.toml"
    file.write_bytes(b"title = 1\n\x8d\x00\xff")
    with pytest.raises(SettingsError, match=r"bytes.toml:2: The byte 0x8d is not UTF-8"):
        drill("run", file)


@pytest.mark.parametrize("seed", ["many", "-1", "4294967296", "1.5"])
def test_a_seed_is_a_whole_number_that_a_run_may_have_printed(seed):
    with pytest.raises(typer.BadParameter) as refused:
        drill("run", "seed-000", "--seed", seed)

    assert refused.value.param.name == "seed"
    assert refused.value.exit_code == ExitCode.USAGE


def test_a_file_that_is_no_scenario_is_told_before_anything_starts(tmp_path):
    file = tmp_path / "ours.toml"
    file.write_text('title = "Ours"\nusers = 3\n')

    with pytest.raises(SettingsError) as refused:
        drill("run", file)
    assert f"{file}:2: `users` must be a table" in str(refused.value)


def test_a_report_that_cannot_be_written_is_told_before_anything_starts(tmp_path):
    for place in (tmp_path / "nowhere" / "page.html", "/dev/null", f"{tmp_path}/{'x' * 300}"):
        with pytest.raises(UsageError, match="The report cannot be written"):
            drill("run", "seed-000", "--report", place)
    assert not list(tmp_path.iterdir())


def test_results_are_told_although_the_report_cannot_be_written_at_the_end(
    monkeypatch, tmp_path, capsys
):
    def full(*_, **__):
        raise UsageError("report_not_writable", "The report cannot be written: No space left.")

    done = SimpleNamespace(unmet=[], to_json=drilled)
    monkeypatch.setattr("ostiary.cli.drills.run_drill", lambda *_: done)
    monkeypatch.setattr("ostiary.cli.drills.write_report", full)

    code = drill("run", "seed-000", "--seed", "1", "--report", tmp_path / "page.html", "--json")

    said = capsys.readouterr()
    assert code == ExitCode.USAGE
    assert json.loads(said.out) == {"drills": [drilled()], "seed": 1}
    assert "The report cannot be written: No space left." in said.err


def test_each_way_has_a_table_of_its_own():
    ways = [("unguarded", None), ("guarded", None), ("guarded", "canary")]
    drills = [
        drilled(name, mode=mode, **{"from": start}, unmet=[f"{name} {start}"])
        for name in ("seed-000", "seed-001")
        for mode, start in ways
    ]

    lines = [line for line in shown(*drills) if line]

    titles = [line.partition(";")[0] for line in lines if "behind each stroke" in line]
    assert titles == ["guarded", "guarded, from canary"], "the first one is the first line of all"
    assert [line.split()[0] for line in lines[:3]] == ["drill", "seed-000", "seed-001"]
    assert lines[-2:] == ["seed-000: seed-000 canary", "seed-001: seed-001 canary"]


@pytest.mark.parametrize(
    "options",
    [
        ("--mode", "unguarded", "--from", "canary"),
        ("--mode", "all", "--from", "canary"),
        ("--from", "good"),
    ],
)
def test_a_start_that_does_not_fit_is_refused(options):
    with pytest.raises(UsageError, match="does not fit"):
        drill("run", "seed-000", *options)


def test_where_nothing_is_proposed_there_is_no_stage_to_begin_at():
    with pytest.raises(UsageError, match="its fault is injected, and nothing is proposed"):
        drill("run", "database-locked", "--from", "canary")


def test_the_mode_that_is_not_available_yet_says_so():
    with pytest.raises(UsageError, match="not available yet"):
        drill("run", "seed-000", "--mode", "escaped")


def test_the_outage_s_own_figures_stand_beside_ours():
    heading, row = shown(drilled())

    assert heading.split()[:3] == ["drill", "ended", "affected"]
    assert "refused in rehearse" in row
    assert "0% / 75%  " in row
    assert "- / 120 min" in row
    assert row.endswith("met")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"users": {"total": 60, "affected": 9}, "restored_after_s": 12.34}, "12 s / 120 min"),
        ({"users": {"total": 60, "affected": 9}}, "never / 120 min"),
        ({"outage": None}, "0%        -         "),
        ({"void": True, "verdict": None}, "seed-000  -      - / 75%   - / 120 min"),
        ({"counted": "visits"}, "0% / 75% visits"),
        ({"verdict": "rolled_back", "stage": "canary"}, "rolled back in canary"),
        ({"from": "canary", "verdict": None, "stage": None}, "undecided"),
        ({"mode": "unguarded", "verdict": None, "stage": None}, "nobody stopped it"),
        ({"mode": "unguarded", "verdict": "promoted", "stage": "good"}, "nobody stopped it"),
        ({"mode": "unguarded", "verdict": "held", "stage": "bake"}, "held in bake"),
        ({"injected": ["database_locked"], "verdict": None, "stage": None}, "removed"),
    ],
)
def test_what_came_of_it_is_said_in_words(more, words):
    assert words in shown(drilled(**more))[1]


def test_what_did_not_go_as_it_must_stands_below_the_table():
    bad = drilled(met=False, unmet=["2 users were affected"])
    void = drilled("seed-002", met=False, void=True, unmet=["void: no traffic after the fault"])

    lines = shown(bad, void)

    assert lines[1].endswith("not met")
    assert lines[2].endswith("void")
    assert lines[3:] == [
        "seed-000: 2 users were affected",
        "seed-002: void: no traffic after the fault",
    ]

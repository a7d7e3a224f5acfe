import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.drills.injection.registry import KINDS
from ostiary.drills.scenarios.catalogue import find_scenarios, known_scenarios, names, scenario
from ostiary.drills.scenarios.environment_kinds import EnvironmentKind
from ostiary.drills.scenarios.fault import FaultKind
from ostiary.drills.scenarios.injections import INJECTED
from ostiary.drills.scenarios.model import Outage, ScenarioFile
from ostiary.drills.scenarios.reading import merged, read_scenario, settings_text
from ostiary.kernel.errors import UsageError
from ostiary.kernel.settings import SettingsError, parse_document
from ostiary.kernel.settings_fields import all_keys

REPOSITORY = Path(__file__).parents[3]
SMALL = """\
title = "Ours"

[fault]
description = "Weights."

[fault.settings.edge]
weights = [9, 1]

[expected]
affected = 0.5
"""


def read(tmp_path, text):
    path = tmp_path / "ours.toml"
    path.write_text(text)
    return read_scenario(path)


def problems_of(tmp_path, text):
    with pytest.raises(SettingsError) as refused:
        read(tmp_path, text)
    return [str(each).removeprefix(f"{tmp_path}/") for each in refused.value.problems]


def test_a_file_says_only_what_differs_from_the_usual(tmp_path):
    ours = read(tmp_path, SMALL)

    assert ours.name == "ours"
    assert ours.content.users.count == 60
    assert ours.content.traffic.rate == 20.0
    assert ours.content.outage is None
    assert ours.content.expected.never == ["affected_user", "wrong_yes"]


@pytest.mark.parametrize("name", names())
def test_every_scenario_that_comes_with_ostiary_is_complete(name):
    content = scenario(name).content

    assert content.fault.description.endswith(".")
    if content.group == "outages":
        assert content.outage.users_hit == content.expected.affected
        assert content.expected.cause == "change"
    else:
        assert content.group == "conditions"
        assert content.outage is None
        assert content.expected.cause != "change"


@pytest.mark.parametrize("name", names())
def test_no_system_of_a_drill_breaks_a_rule_before_the_fault(name):
    document = parse_document(settings_text(scenario(name).settings()), file="drill.toml")

    assert check_configuration(parse_configuration(document)) == ()


def test_the_kinds_of_faults_are_told_from_what_they_change(tmp_path):
    edits = '[[fault.edits]]\nfile = "a.py"\nold = "a"\nnew = "b"\n'
    release = SMALL.replace("[fault.settings.edge]\nweights = [9, 1]\n", edits)
    settings = SMALL.replace("[fault.settings.edge]\nweights = [9, 1]", "[fault.settings.identity]")

    weights = "[fault.settings.edge]\nweights = [9, 1]\n"
    befalls = SMALL.replace(weights, '[[fault.inject]]\nkind = "database_locked"\n')

    assert read(tmp_path, SMALL).content.fault.kind is FaultKind.EDGE
    assert read(tmp_path, befalls).content.fault.kind is FaultKind.INJECTION
    assert read(tmp_path, release).content.fault.kind is FaultKind.RELEASE
    assert read(tmp_path, settings).content.fault.kind is FaultKind.SETTINGS


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "affected = 0.5",
            "afected = 0.5",
            (
                "ours.toml:10: unknown setting `expected.afected`; did you mean `affected`? "
                "Write `affected`, or remove the line."
            ),
        ),
        (
            "affected = 0.5",
            "affected = 50",
            (
                "ours.toml:10: `expected.affected` is `50`; it must be less than or equal to 1. "
                "Allowed: at least 0, at most 1."
            ),
        ),
        (
            "affected = 0.5",
            'affected = "0.5"',
            (
                'ours.toml:10: `expected.affected` must be a number, but `"0.5"` is text. '
                "Write `affected = 0.5`."
            ),
        ),
        (
            "weights = [9, 1]",
            "wieghts = [9, 1]",
            (
                "ours.toml:7: unknown setting `edge.wieghts`; did you mean `weights`? "
                "Write `weights`, or remove the line."
            ),
        ),
        ('title = "Ours"\n', "", "ours.toml: The setting `title` is missing. Add it."),
    ],
)
def test_what_is_wrong_is_told_with_file_line_and_key(tmp_path, old, new, told):
    found = problems_of(tmp_path, SMALL.replace(old, new))

    assert told in found, found


def test_a_fault_is_of_exactly_one_kind(tmp_path):
    edits = '[[fault.edits]]\nfile = "a.py"\nold = "a"\nnew = "b"\n\n[expected]'
    both = SMALL.replace("[expected]", edits)
    neither = SMALL.replace("[fault.settings.edge]\nweights = [9, 1]\n", "")
    befalls = f'{SMALL}\n[[fault.inject]]\nkind = "database_locked"\n'

    for text in (both, neither, befalls):
        (told,) = problems_of(tmp_path, text)
        assert "a fault is either edits of a release, settings, or injected" in told
        assert told.startswith("ours.toml:3: `fault`")


def test_words_that_mean_nothing_are_told_with_those_that_do(tmp_path):
    (told,) = problems_of(tmp_path, SMALL + 'from_canary = "journey"\n')
    assert told.startswith("ours.toml:11: ")
    assert "journeys" in told

    ours = read(tmp_path, SMALL + 'from_canary = "load"\ncounted = "visits"\n')
    assert ours.content.expected.from_canary == "load"
    assert ours.content.expected.counted == "visits"


def test_applications_have_at_most_all_users_and_names_of_their_own(tmp_path):
    one = '\n[[applications]]\nname = "shop"\nshare = 0.6\naudience = "a"\n'

    (told,) = problems_of(tmp_path, SMALL + one + one.replace("shop", "till"))
    assert "the shares of `applications` are more than 1 together" in told
    (told,) = problems_of(tmp_path, SMALL + 2 * one.replace("0.6", "0.5"))
    assert "two of `applications` have the same name" in told


def test_capacity_is_stated_where_replicas_have_one(tmp_path):
    ours = read(tmp_path, SMALL + "\n[topology]\ncapacity = 12.5\n")

    assert ours.settings()["edge"] == {"capacity": 12.5, "peak": 20.0}
    assert ours.faulty_settings()["edge"]["weights"] == [9, 1]
    assert "edge" not in read(tmp_path, SMALL).settings()


def test_every_key_is_documented_and_nothing_else():
    tables = {"outage", "topology", "users", "traffic", "fault", "expected"}
    keys = {".".join(map(str, path)) for path in all_keys(ScenarioFile)} - tables
    keys |= {f"outage.{name}" for name in Outage.model_fields}
    text = (REPOSITORY / "docs/drills.md").read_text()
    section = text[text.index("## A scenario of your own") : text.index("## `demo bad-release`")]

    assert set(re.findall(r"^\| `([a-z_.]+)` \|", section, re.MULTILINE)) == keys


def test_the_example_of_the_documentation_is_a_scenario(tmp_path):
    text = (REPOSITORY / "docs/drills.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)

    assert read(tmp_path, example).content.expected.refused_at == "check"


def test_every_kind_of_injected_fault_is_documented_with_its_keys():
    text = (REPOSITORY / "docs/drills.md").read_text()
    section = text[text.index("## Conditions") : text.index("### What they need")]
    rows = re.findall(r"^\| `([a-z_]+)` \|[^|]*\|([^|]*)\|$", section, re.MULTILINE)
    told = {kind: set(re.findall("`([a-z_]+)`", keys)) for kind, keys in rows}
    models = {get_args(each.model_fields["kind"].annotation)[0]: each for each in INJECTED}

    assert told == {
        kind: set(model.model_fields) - {"kind", "seconds"} for kind, model in models.items()
    }
    assert set(KINDS) == set(models)


def test_each_drill_of_database_disk_and_network_is_documented_with_its_share():
    text = (REPOSITORY / "docs/drills.md").read_text()
    (section,) = re.findall(r"### Drills of database(.*?)\n### ", text, re.DOTALL)
    told = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (\d+) %[^|]*\|$", section, re.MULTILINE))

    assert told == {
        each.name: f"{100 * each.content.expected.affected:.0f}"
        for each in find_scenarios(["conditions"])
        if isinstance(each.content.fault.inject[0], EnvironmentKind)
    }


def test_a_fault_that_another_database_has_is_told_with_what_to_write(tmp_path):
    weights = "[fault.settings.edge]\nweights = [9, 1]\n"
    stopped = SMALL.replace(weights, '[[fault.inject]]\nkind = "database_stopped"\n')
    full = SMALL.replace(weights, '[[fault.inject]]\nkind = "disk_full"\n')
    far = '[[fault.inject]]\nkind = "network_loss"\nbetween = "replicas_database"\n'
    server = '\n[topology]\ndatabase = "postgresql"\n'

    for text, database in ((stopped, "postgresql"), (full + server, "sqlite")):
        (told,) = problems_of(tmp_path, text)
        assert f'write `database = "{database}"` in `[topology]`' in told
    assert len(problems_of(tmp_path, SMALL.replace(weights, far))) == 1
    assert read(tmp_path, stopped + server).content.topology.database == "postgresql"


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('kind = "databse_locked"', 'kind` is `"databse_locked"`; did you mean `database_locked`?'),
        ('kind = "database_locked"\nsecond = 3', "second`; did you mean `seconds`?"),
        ('kind = "network_delay"\nmiliseconds = 3', "did you mean `milliseconds`?"),
        ('kind = "network_loss"\nshare = 1.5', "share` is `1.5`; it must be less than or equal"),
        ('kind = "network_delay"\nbetween = "here"', 'Write `"edge_replicas"` or'),
        ('kind = "disk_full"\nseconds = 0', "Allowed: at least 1, at most 120."),
        ('kind = "pool_exhausted"\nconnections = "a"', "For example `connections = 20`."),
        ("seconds = 3", "The setting `fault.inject[0].kind` is missing. Add it."),
    ],
)
def test_an_injected_fault_that_is_mistyped_is_told_with_file_and_line(tmp_path, written, told):
    weights = "[fault.settings.edge]\nweights = [9, 1]\n"
    problems = problems_of(tmp_path, SMALL.replace(weights, f"[[fault.inject]]\n{written}\n"))

    assert problems[0].startswith("ours.toml:")
    assert told in problems[0]


def test_groups_stand_for_their_scenarios_and_a_path_for_a_file(tmp_path):
    (tmp_path / "ours.toml").write_text(SMALL)

    outages, conditions = find_scenarios(["all"]), find_scenarios(["conditions"])
    assert {each.name for each in outages} == {f"seed-00{number}" for number in range(5)}
    assert [each.name for each in known_scenarios()] == [
        each.name for each in (*outages, *conditions)
    ]
    assert sorted(each.name for each in known_scenarios()) == names()
    assert find_scenarios(["conditions", "all"]) == [*conditions, *outages]
    found = find_scenarios([str(tmp_path / "ours.toml"), "seed-000"])
    assert [each.name for each in found] == ["ours", "seed-000"]


def test_an_unknown_name_is_told_with_the_nearest(tmp_path, monkeypatch):
    with pytest.raises(UsageError) as refused:
        find_scenarios(["sed-004"])
    assert refused.value.hint.startswith("The nearest: seed-004")

    with pytest.raises(UsageError) as refused:
        find_scenarios(["qqq"])
    assert refused.value.hint.startswith(f"There are: {', '.join(names())}.")
    assert "qqq.toml" in refused.value.hint

    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=r"There is no scenario file nowhere\.toml"):
        find_scenarios(["nowhere.toml"])


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc_ .\"'é"), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from("abc"), st.dictionaries(st.text('ab-. é"'), VALUES)))
def test_settings_are_written_as_they_are_read(tables):
    assert tomllib.loads(settings_text(tables)) == tables


def test_later_settings_take_the_place_of_earlier_ones():
    base, over = {"a": {"x": 1, "y": 2}}, {"a": {"y": 3}, "b": {"z": 4}}

    assert merged(base, over) == {"a": {"x": 1, "y": 3}, "b": {"z": 4}}
    assert base == {"a": {"x": 1, "y": 2}}

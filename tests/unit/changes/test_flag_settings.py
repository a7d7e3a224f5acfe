"""Flags in a settings file: what they may say, what is answered, and what a snapshot keeps.

Identity reads the same tables by models of its own; here both are given the same files.
"""

import json
import tomllib
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.changes.rules.flags import BUILT_IN
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.snapshot_settings import SnapshotSettings
from ostiary.changes.tightening_flags import intended_refusals
from ostiary.identity.flags.definition import BUILT_IN as BUILT_IN_OF_IDENTITY
from ostiary.identity.flags.definition import FlagDefinitions
from ostiary.kernel.settings import SettingsError, parse_document

TWIN = TypeAdapter(FlagDefinitions)
OVERDUE = "[flags.x]\ndefault = false\nvariant = true\npercent = 5\nremove_after = 2027-01-31\n"


def parse(text):
    return parse_configuration(parse_document(text, file="ostiary.toml"))


def flags_of(text):
    return parse(text).snapshot_settings.to_snapshot()["flags"]


def refusal(text):
    with pytest.raises(SettingsError) as caught:
        parse(text)
    (problem,) = caught.value.problems
    return problem


GOOD = [
    "x = true",
    "x = 3",
    "x = 0.5",
    "x = 'text'",
    "[flags.x]\ndefault = false",
    "[flags.x]\ndefault = false\nvariant = true",
    "[flags.x]\ndefault = false\nvariant = true\npercent = 0.5",
    "[flags.x]\ndefault = 'a'\nvariant = 'b'\npercent = 100",
    "[flags.x]\ndefault = 1\nvariant = 2\nroles = ['staff', 'a:b_c-1', 'staff']",
    "[flags.x]\ndefault = 1.0\nvariant = 2.5\nclients = ['mobile', 'A.b_c~d-e']",
    "[flags.x]\ndefault = true\noff = true\npublic = true\ndescription = 'é'\nowner = 'ada'",
    "[flags.x]\ndefault = true\nremove_after = 2027-01-31",
    "sign_up_open = false",
]
BAD = [
    ("x = []", "flags.x", "must be true or false or a number or text"),
    ("x = 2027-01-31", "flags.x", "must be true or false or a number or text"),
    ("x = nan", "flags.x", "nan"),
    ("[flags.x]\nvariant = true", "flags.x.default", "is missing"),
    ("[flags.x]\ndefault = {}", "flags.x.default", "must be true or false or a number or text"),
    (
        "[flags.x]\ndefault = false\nvariant = true\npercent = 250",
        "flags.x.percent",
        "must be less than or equal to 100. Allowed: at least 0, at most 100 (percent).",
    ),
    ("[flags.x]\ndefault = 1\nvariant = 2\npercent = -1", "flags.x.percent", "at least 0"),
    (
        "[flags.x]\ndefault = false\nvariant = true\npercent = '25%'",
        "flags.x.percent",
        '`flags.x.percent` must be a number, but `"25%"` is text. Write `percent = 25`.',
    ),
    (
        "[flags.x]\ndefault = false\nvariant = 1",
        "flags.x",
        "`default` is true or false, but `variant` is a whole number; write both as the same type.",
    ),
    ("[flags.x]\ndefault = 0\nvariant = 0.5", "flags.x", "a number with a decimal point"),
    ("[flags.x]\ndefault = 'a'\nvariant = 'a'", "flags.x", "the same as `default`"),
    ("[flags.x]\ndefault = false\npercent = 5", "flags.x", "add `variant`"),
    ("[flags.x]\ndefault = false\nroles = ['a']", "flags.x", "add `variant`"),
    (
        "[flags.x]\ndefault = false\nvariant = true\nrols = ['a']",
        "flags.x.rols",
        "unknown setting `flags.x.rols`; did you mean `roles`?",
    ),
    (
        "[flags.x]\ndefault = false\nvariant = true\nroles = []",
        "flags.x.roles",
        "it is empty, which names nobody; name a role, or remove the line",
    ),
    ("[flags.x]\ndefault = 1\nvariant = 2\nroles = 'staff'", "flags.x.roles", 'roles = ["staff"]'),
    ("[flags.x]\ndefault = 1\nvariant = 2\nroles = ['St aff']", "flags.x.roles", "St aff"),
    ("[flags.x]\ndefault = 1\nvariant = 2\nclients = ['a b']", "flags.x.clients", "a b"),
    ("[flags.x]\ndefault = 1\nvariant = 2\nclients = []", "flags.x.clients", "name a client"),
    ("[flags.x]\ndefault = true\noff = 'yes'", "flags.x.off", "must be true or false"),
    (
        "[flags.x]\ndefault = true\nremove_after = 2027-01-31T10:00:00",
        "flags.x.remove_after",
        "no date without a time",
    ),
    ("[flags.x]\ndefault = true\nremove_after = 5", "flags.x.remove_after", "no date"),
]
BAD_BY_RULE = ["'new page' = true", "'' = true", "sign_up_open = 'no'", "new_device_mail = 1"]


def document(text):
    return (text if text.startswith("[") else f"[flags]\n{text}") + "\n"


@pytest.mark.parametrize(("text", "key", "words"), BAD)
def test_a_wrong_flag_is_told_at_its_key_with_what_is_wrong(text, key, words):
    problem = refusal(document(text))
    assert problem.key == key
    assert words in str(problem)
    assert problem.line is not None


def test_a_date_in_quotes_is_answered_with_how_it_is_written():
    problem = refusal("[flags.x]\ndefault = true\nremove_after = '2027-01-31'\n")
    assert "write 2027-01-31" in str(problem)
    assert problem.line == 3


def accepted_by_identity(flags):
    """Return whether identity takes these flags, as a replica gets them: by JSON."""
    try:
        TWIN.validate_json(json.dumps(flags, default=str))
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("text", GOOD)
def test_identity_accepts_what_is_accepted_here(text):
    configuration = parse(document(text))
    assert check_configuration(configuration) == ()
    assert accepted_by_identity(tomllib.loads(document(text))["flags"])
    assert accepted_by_identity(configuration.snapshot_settings.to_snapshot()["flags"])


# As JSON a date is text, which a flag may hold; no date gets that far.
@pytest.mark.parametrize("text", [text for text, _, _ in BAD if text != "x = 2027-01-31"])
def test_identity_refuses_what_is_refused_here(text):
    assert not accepted_by_identity(tomllib.loads(document(text))["flags"])


@pytest.mark.parametrize("text", BAD_BY_RULE)
def test_identity_refuses_what_a_rule_refuses_here(text):
    (problem,) = check_configuration(parse(document(text)))
    assert problem.code in {"flag_name", "flag_not_true_or_false"}
    assert not accepted_by_identity(tomllib.loads(document(text))["flags"])


scalars = st.one_of(
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-5, 5).map(lambda number: round(number, 2)),
    st.sampled_from(["a", "b", ""]),
)
tables = st.fixed_dictionaries(
    {},
    optional={
        "default": scalars,
        "variant": scalars,
        "percent": st.one_of(st.integers(-1, 101), st.floats(0, 100), st.just("5")),
        "roles": st.lists(st.sampled_from(["staff", "A", ""]), max_size=2),
        "clients": st.lists(st.sampled_from(["app", "a b"]), max_size=2),
        "off": st.sampled_from([True, False, 1]),
        "owner": st.sampled_from(["ada", 1]),
        "precent": st.just(5),
    },
)


@given(st.dictionaries(st.sampled_from(["x", "sign_up_open", "a b"]), scalars | tables, max_size=2))
def test_both_readings_agree_on_any_flags(flags):
    try:
        settings = SnapshotSettings.model_validate({"flags": flags})
    except ValidationError:
        accepted = False
    else:
        accepted = not check_configuration(parse("")) and not check_configuration(
            _configured(settings)
        )
    assert accepted_by_identity(flags) == accepted


def _configured(settings):
    configuration = parse("")
    return type(configuration)(settings, configuration.guard)


def test_both_know_the_same_flags_of_the_service_itself():
    assert BUILT_IN == BUILT_IN_OF_IDENTITY


def test_a_flag_that_is_only_a_value_stands_in_the_snapshot_as_that_value():
    assert flags_of("[flags]\nx = true\n") == {"x": True}
    assert flags_of("[flags.x]\ndefault = true\n") == {"x": True}
    assert flags_of("[flags.x]\ndefault = 1\nvariant = 1_0\n") != {"x": 1}


def test_a_snapshot_is_read_back_as_it_was_written():
    settings = parse(f"{OVERDUE}roles = ['a', 'b']\n[flags.y]\ndefault = 1\n").snapshot_settings
    stored = json.loads(json.dumps(settings.to_snapshot()))
    assert SnapshotSettings.from_snapshot(stored) == settings


@pytest.mark.parametrize(
    ("served", "today", "is_refused"),
    [
        ("", date(2027, 1, 31), False),
        ("", date(2027, 2, 1), True),
        (OVERDUE, date(2027, 2, 1), False),
        (OVERDUE.replace("5", "4"), date(2027, 2, 1), True),
        ("", None, False),
    ],
)
def test_a_flag_whose_time_is_over_is_refused_where_it_is_new_or_changed(served, today, is_refused):
    surroundings = Surroundings(last_good=parse(served).snapshot_settings, today=today)
    problems = check_configuration(parse(OVERDUE), surroundings)
    assert [problem.code for problem in problems] == ["flag_overdue"] * is_refused
    assert [problem.line for problem in problems] == [5] * is_refused


def test_a_flag_whose_time_is_over_can_always_be_switched_off():
    surroundings = Surroundings(last_good=parse(OVERDUE).snapshot_settings, today=date(2030, 1, 1))
    assert check_configuration(parse(f"{OVERDUE}off = true\n"), surroundings) == ()


CLOSED = "[flags]\nsign_up_open = false\n"
HALF = "[flags.sign_up_open]\ndefault = true\nvariant = false\npercent = 50\n"


@pytest.mark.parametrize(
    ("before", "after", "tightens"),
    [
        ("", "", False),
        ("", CLOSED, True),
        (CLOSED, "", False),
        ("", HALF, True),
        (HALF, CLOSED, True),
        (HALF, f"{HALF}off = true\n", False),
        ("", "[identity]\nsign_up = false\n", True),
        ("[identity]\nsign_up = false\n", CLOSED, False),
        ("", "[flags]\nsign_up_offered = false\n", False),
    ],
)
def test_closing_sign_up_is_known_to_be_meant(before, after, tightens):
    found = intended_refusals(parse(before).snapshot_settings, parse(after).snapshot_settings)
    assert bool(found) == tightens
    assert {str(each) for each in found} <= {"sign_up:sign_up_closed", "page:sign_up_closed"}

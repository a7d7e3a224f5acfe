"""A key that goes away is warned of until its date, and refused from then on."""

from datetime import date

import pytest
from pydantic import Field

from ostiary.changes.check_report import report_on
from ostiary.changes.checks import COMPARING_RULES, check_configuration
from ostiary.changes.configuration import Configuration, SettingsFile
from ostiary.changes.deprecations import deprecated_keys, refused_keys, refused_keys_are_gone
from ostiary.changes.rules.surroundings import Surroundings
from ostiary.changes.setting_fields import deprecated
from ostiary.kernel.settings import SettingsTable, parse_document, validate

REFUSED_FROM = date(2027, 3, 1)


class Door(SettingsTable):
    address: str = "127.0.0.1:8000"
    port: int | None = Field(
        None,
        description="Port.",
        json_schema_extra=deprecated(
            refused_from=REFUSED_FROM, instead='Write `address = "127.0.0.1:8000"`.'
        ),
    )


class House(SettingsTable):
    door: Door = Door()


WRITTEN = parse_document("[door]\nport = 8000\n", file="house.toml").tables


@pytest.mark.parametrize("today", [date(2026, 1, 1), date(2027, 2, 28)])
def test_before_its_date_a_key_works_and_is_warned_of(today):
    (warning,) = deprecated_keys(House, WRITTEN, today)

    assert warning.key == ("door", "port")
    assert warning.message == ("`door.port` is deprecated and will be refused from 2027-03-01 on.")
    assert warning.hint == 'Write `address = "127.0.0.1:8000"`.'
    assert list(refused_keys(House, WRITTEN, today)) == []
    assert validate(House, parse_document("[door]\nport = 1\n", file="x")).door.port == 1


@pytest.mark.parametrize("today", [REFUSED_FROM, date(2030, 1, 1)])
def test_from_its_date_on_it_is_refused_with_what_to_write(today):
    (finding,) = refused_keys(House, WRITTEN, today)

    assert (finding.key, finding.code) == (("door", "port"), "deprecated_key_refused")
    assert finding.message == "`door.port` is refused since 2027-03-01."
    assert finding.hint == 'Write `address = "127.0.0.1:8000"`.'
    assert list(deprecated_keys(House, WRITTEN, today)) == []


def test_without_a_date_it_is_warned_of_and_never_refused():
    assert [each.code for each in deprecated_keys(House, WRITTEN, None)] == ["deprecated_key"]


def test_a_file_without_the_key_hears_nothing_of_it():
    tables = parse_document("[door]\naddress = 'x'\n", file="house.toml").tables

    assert list(deprecated_keys(House, tables, REFUSED_FROM)) == []
    assert list(refused_keys(House, tables, REFUSED_FROM)) == []


def test_the_schema_says_when_and_what_instead():
    entry = House.model_json_schema()["$defs"]["Door"]["properties"]["port"]

    assert entry["deprecated"] is True
    assert entry["refused_from"] == "2027-03-01"
    assert "address" in entry["instead"]


@pytest.fixture
def deprecated_leeway(monkeypatch):
    """Declare a key of the real file deprecated, as a later version may."""
    field = SettingsFile.model_fields["identity"].annotation.model_fields["leeway_seconds"]
    extra = deprecated(refused_from=REFUSED_FROM, instead="Remove it.")
    monkeypatch.setattr(field, "json_schema_extra", {**field.json_schema_extra, **extra})


def test_a_check_warns_before_the_date_and_refuses_after(tmp_path, deprecated_leeway):
    file = tmp_path / "ostiary.toml"
    file.write_text("[identity]\n\nleeway_seconds = 5\n")

    before = report_on(file, Surroundings(today=date(2027, 2, 28)))
    after = report_on(file, Surroundings(today=REFUSED_FROM))

    assert (before.problems, [w.line for w in before.warnings]) == ((), [3])
    assert (after.warnings, [p.line for p in after.problems]) == ((), [3])
    assert after.problems[0].key == "identity.leeway_seconds"


def test_the_rule_is_asked_with_every_check():
    assert refused_keys_are_gone in COMPARING_RULES
    assert check_configuration(Configuration(), Surroundings(today=date(2099, 1, 1))) == ()

"""The tables of keys in the documentation are what the settings say."""

from pathlib import Path

import pytest
from tools.settings_tables import PAGES, tables_in, with_tables

from tests.tidy.repository import read
from tests.tidy.test_reference import settings_tables


@pytest.mark.parametrize("page", PAGES)
def test_the_tables_of_keys_are_made_anew(page: Path) -> None:
    text = page.read_text()
    assert text == with_tables(text), "run `make docs`"


def test_every_table_with_keys_is_on_the_page() -> None:
    tables = [name.removesuffix(".NAME") for name in tables_in(read("docs/settings.md"))]
    assert sorted(tables) == sorted(name for name, keys in settings_tables().items() if keys)


def test_every_table_of_own_journeys_is_on_their_page() -> None:
    inside = "guard.journeys.NAME"
    tables = [inside, f"{inside}.steps", f"{inside}.steps.expect"]
    assert tables_in(read("docs/own-journeys.md")) == tables


def test_every_table_of_verdicts_is_on_their_page() -> None:
    inside = "guard.verdicts"
    assert tables_in(read("docs/verdicts.md")) == [inside, f"{inside}.rollouts.NAME"]

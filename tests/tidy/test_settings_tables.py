"""The tables of keys in the documentation are what the settings say."""

from tools.settings_tables import tables_in, with_tables

from tests.tidy.repository import read
from tests.tidy.test_reference import settings_tables


def test_the_tables_of_keys_are_made_anew() -> None:
    text = read("docs/settings.md")
    assert text == with_tables(text), "run `make docs`"


def test_every_table_with_keys_is_on_the_page() -> None:
    assert sorted(tables_in(read("docs/settings.md"))) == sorted(
        name for name, keys in settings_tables().items() if keys
    )

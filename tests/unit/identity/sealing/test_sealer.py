"""What a sealed value keeps to itself, and when it opens."""

import os
from base64 import urlsafe_b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.identity.sealing.key_files import StoreKeyError, StoreKeyFiles
from ostiary.identity.sealing.sealer import Place, Sealer
from ostiary.identity.wiring import build
from ostiary.runtime import store_key
from tests.identity_app import build_identity
from tests.store_keys import make_sealer

PLACE = Place("signing_keys", "private_jwk_sealed", "kid-1")
SECRET = b"a very private key"


def fresh_key() -> str:
    return urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def test_a_value_opens_where_it_was_sealed_and_tells_nothing(tmp_path: Path) -> None:
    sealer = make_sealer(tmp_path)
    sealed = [sealer.seal(PLACE, SECRET) for _ in range(2)]
    assert len(set(sealed)) == 2
    assert [sealer.open(PLACE, text) for text in sealed] == [SECRET, SECRET]
    assert "private" not in "".join(sealed)
    assert sealed[0].split(".")[1] == store_key.key_id(tmp_path / "store.key")


@pytest.mark.parametrize("changed", ["table", "column", "row"])
def test_a_value_that_was_moved_does_not_open(tmp_path: Path, changed: str) -> None:
    sealer = make_sealer(tmp_path)
    moved = replace(PLACE, **{changed: "another"})
    with pytest.raises(StoreKeyError) as caught:
        sealer.open(moved, sealer.seal(PLACE, SECRET))
    assert caught.value.code == "sealed_value_damaged"
    assert int(caught.value.exit_code) == 3


def test_a_value_that_was_altered_does_not_open(tmp_path: Path) -> None:
    sealer = make_sealer(tmp_path)
    text = sealer.seal(PLACE, SECRET)
    start = text.rindex(".") + 1
    for position in range(start, len(text) - 1, 7):
        other = "A" if text[position] != "A" else "B"
        with pytest.raises(StoreKeyError):
            sealer.open(PLACE, text[:position] + other + text[position + 1 :])
    for broken in ("", "1", "1..", "2" + text[1:], text[:-8], "not sealed at all", text + ".x"):
        with pytest.raises(StoreKeyError):
            sealer.open(PLACE, broken)


def test_another_key_is_named_and_opens_nothing(tmp_path: Path) -> None:
    text = make_sealer(tmp_path).seal(PLACE, SECRET)
    file = tmp_path / "other.key"
    file.write_text(fresh_key())
    other = Sealer(StoreKeyFiles(file))
    assert not other.knows(text)
    with pytest.raises(StoreKeyError) as caught:
        other.open(PLACE, text)
    assert caught.value.code == "store_key_wrong"
    assert text.split(".")[1] in caught.value.message
    assert store_key.key_id(file) in caught.value.message


def test_a_key_that_is_put_in_place_meanwhile_counts_from_then_on(tmp_path: Path) -> None:
    running = make_sealer(tmp_path)
    old = running.seal(PLACE, SECRET)
    file = tmp_path / "store.key"
    file.rename(tmp_path / "store.key.previous")
    file.write_text(fresh_key())
    started_later = Sealer(StoreKeyFiles(file))
    new = started_later.seal(PLACE, SECRET)
    for sealer in (running, started_later):
        assert sealer.open(PLACE, old) == sealer.open(PLACE, new) == SECRET
        assert (sealer.is_present(old), sealer.is_present(new)) == (False, True)
    assert running.seal(PLACE, SECRET).split(".")[1] == new.split(".")[1]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "store_key_missing"),
        ("", "store_key_invalid"),
        ("dG9vIHNob3J0", "store_key_invalid"),
        ("no base64 at all: ä", "store_key_invalid"),
        ("A" * 5000, "store_key_invalid"),
    ],
)
def test_a_file_without_a_key_is_refused_and_left_alone(
    tmp_path: Path, content: str | None, code: str
) -> None:
    file = tmp_path / "store.key"
    if content is not None:
        file.write_text(content)
    with pytest.raises(StoreKeyError) as caught:
        Sealer(StoreKeyFiles(file))
    assert caught.value.code == code
    assert str(file) in caught.value.message
    assert not content or content not in str(caught.value)
    assert (file.read_text() if file.exists() else None) == content


def test_keys_do_not_show_in_texts(tmp_path: Path) -> None:
    files = StoreKeyFiles(tmp_path / "store.key")
    files.path.write_text(fresh_key())
    shown = repr(files.read()[0]) + repr(Sealer(files).__dict__)
    assert str(files.read()[0].secret) not in shown


def test_a_replica_does_not_start_on_a_store_of_another_key(tmp_path: Path) -> None:
    build_identity(tmp_path).close()
    database = f"sqlite:///{tmp_path / 'identity.db'}"
    before = (tmp_path / "identity.db").read_bytes()
    other = build_identity(tmp_path / "other")
    other.close()
    (tmp_path / "other" / "store.key").write_text(fresh_key())
    configuration = other.configuration.model_copy(update={"database_url": database})
    with pytest.raises(StoreKeyError) as caught:
        build(configuration)
    assert (caught.value.code, int(caught.value.exit_code)) == ("store_key_wrong", 3)
    assert (tmp_path / "identity.db").read_bytes() == before

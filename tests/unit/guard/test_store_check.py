"""What is said of a store that cannot be used, before anything is started on it."""

import json
import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.guard.store_check import require_store
from ostiary.kernel import processes
from ostiary.kernel.errors import ExitCode, RefusedError

PASSWORD = "a-password-nobody-may-see"


def refusal(url: str, data: Path) -> RefusedError:
    with pytest.raises(RefusedError) as raised:
        require_store(url, data)
    assert raised.value.exit_code == ExitCode.REFUSED
    assert PASSWORD not in str(raised.value) + raised.value.detail
    return raised.value


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://ostiary@127.0.0.1/ostiary", "supported"),
        ("not a url", "supported"),
        (f"postgresql://ostiary:{PASSWORD}@127.0.0.1/ostiary?no_such_option=1", "parsed"),
        (f"postgresql://ostiary:{PASSWORD}@[::1/ostiary", "parsed"),
        ("postgresql://ostiary@/ostiary?host=/no/such/directory", "No such file or directory"),
        ("sqlite:////no/such/directory/identity.db", "/no/such/directory"),
        ("sqlite:////", "cannot be opened"),
    ],
)
def test_a_url_that_leads_to_no_store(tmp_path: Path, url: str, told: str) -> None:
    assert told in refusal(url, tmp_path).message


def test_a_server_that_takes_connections_and_says_nothing(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"postgresql://o:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/ostiary"
        assert "timeout" in refusal(url, tmp_path).message


def test_a_file_that_sqlite_did_not_write_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "identity.db"
    file.write_bytes(b"garbage " * 1000)
    refused = refusal(f"sqlite:///{file}", tmp_path)
    assert str(file) in refused.message
    assert "ostiary restore" in refused.hint
    assert file.read_bytes() == b"garbage " * 1000


def test_a_store_that_is_not_there_yet_is_fine(tmp_path: Path) -> None:
    require_store(f"sqlite:///{tmp_path / 'identity.db'}", tmp_path)
    assert not (tmp_path / "identity.db").exists()


def test_while_replicas_run_the_store_is_none_of_the_guards_business(tmp_path: Path) -> None:
    own = processes.identify(os.getpid())
    assert own is not None
    records = tmp_path / "replicas"
    records.mkdir()
    (records / "identity-1.json").write_text(json.dumps({"process": own.to_json()}))
    (records / "identity-2.json").write_text("cut off")
    require_store("sqlite:////no/such/directory/identity.db", tmp_path)


@pytest.mark.postgres
def test_a_server_that_answers_is_fine(postgres_url: str, tmp_path: Path) -> None:
    require_store(postgres_url, tmp_path)

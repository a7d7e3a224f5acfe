"""A system under load is backed up and comes back; its secrets stay where they belong."""

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from sqlalchemy import select

from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.store.engine import open_store
from ostiary.identity.store.schema import signing_keys
from tests.guarded.conftest import QUICK, require_nothing_left
from tests.guarded.users import LATE
from tests.postgres import PostgresServer
from tests.system import call_ostiary, free_port, run_ostiary

pytestmark = pytest.mark.system
PASSWORD = "a planted pass phrase 4711"
DATABASE_PASSWORD = "planted-database-password"


class Browser:
    """Somebody who signs up and in, through the edge."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        with httpx.Client(cookies=self.cookies, trust_env=False, timeout=30) as client:
            answer = client.request(method, self.issuer + path, **options)
            self.cookies = client.cookies
        return answer

    def fill_in(self, path: str, **fields: str) -> httpx.Response:
        page = self.request("GET", path)
        if page.status_code in LATE:
            return page
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert token is not None, page.text
        form = {"csrf_token": token.group(1), **fields}
        return self.request("POST", path, data=form)

    def sign(self, path: str, email: str, password: str = PASSWORD) -> int:
        """Sign up or in, again where the machine had no time for it; return the last status."""
        for _ in range(5):
            answer = self.fill_in(path, email=email, password=password, return_to="/demo")
            if answer.status_code not in LATE:
                break
            time.sleep(1)
        return answer.status_code


class SignUps:
    """People who sign up one after the other, in a thread, until the block ends."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.done: list[str] = []
        self._stop = threading.Event()
        self._some = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.05):
            number += 1
            email = f"load{number}@example.com"
            if Browser(self.issuer).sign("/sign-up", email) == 303:
                self.done.append(email)
                self._some.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._some.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def token_of(issuer: str, client: dict[str, str]) -> str:
    answer = httpx.post(
        f"{issuer}/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=(client["client_id"], client["client_secret"]),
        trust_env=False,
    )
    return str(answer.json()["access_token"])


def is_active(issuer: str, client: dict[str, str], token: str) -> bool:
    answer = httpx.post(
        f"{issuer}/oauth2/introspect",
        data={"token": token},
        auth=(client["client_id"], client["client_secret"]),
        trust_env=False,
    )
    return bool(answer.json()["active"])


def private_parts(data: Path, database_url: str) -> list[str]:
    """Return the private scalars of the keys that sign, opened as only the store key can."""
    store = open_store(database_url)
    keys = SigningKeys(Sealer(StoreKeyFiles(data / "secrets" / "store.key")))
    with store.read() as connection:
        snapshots = connection.execute(select(signing_keys.c.snapshot).distinct()).scalars()
        held = [keys.find_held_by(connection, one) for one in snapshots.all() if one]
    store.close()
    assert held
    return [str(one.private_jwk["d"]) for one in held if one is not None]


class Sight:
    """What can be seen of a system: its files, and its processes from outside."""

    def __init__(self, data: Path) -> None:
        self._content = {
            path.relative_to(data).as_posix(): path.read_bytes()
            for path in data.rglob("*")
            if path.is_file() and not path.is_relative_to(data / "releases")
        }
        for process in Path("/proc").iterdir():
            for view in ("cmdline", "environ"):
                if process.name.isdigit() and int(process.name) != os.getpid():
                    with suppress(OSError):
                        self._content[f"{view} of {process.name}"] = (process / view).read_bytes()

    def places_of(self, secret: str) -> set[str]:
        """Return the files and views of processes that hold a secret."""
        return {name for name, content in self._content.items() if secret.encode() in content}


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """Two directories for data; nothing runs there afterwards."""
    (tmp_path / "ostiary.toml").write_text(QUICK)
    yield tmp_path
    for name in ("data", "restored"):
        call_ostiary("down", data=tmp_path / name)
        require_nothing_left(tmp_path / name)


def test_a_backup_under_load_comes_back_with_everybody_in_it(place: Path) -> None:
    data, restored = place / "data", place / "restored"
    port = str(free_port())
    options = ["--detach", "--port", port, "--config", str(place / "ostiary.toml")]
    issuer = run_ostiary("up", *options, data=data)["issuer"]
    ada = Browser(issuer)
    assert ada.sign("/sign-up", "ada@example.com") == 303
    client = run_ostiary("client", "add", "machine", "--grant", "client_credentials", data=data)
    token = token_of(issuer, client)
    with SignUps(issuer) as people:
        before = list(people.done)
        result = run_ostiary("backup", str(place / "b.zip"), data=data)
    assert result["secrets"]
    assert result["tables"]["users"] > len(before)
    sight = Sight(data)
    for secret in (PASSWORD, client["client_secret"], *private_parts(data, sqlite(data))):
        assert sight.places_of(secret) == set()
    store_key = (data / "secrets" / "store.key").read_text().strip()
    assert sight.places_of(store_key) == {"secrets/store.key"}
    admin_token = (data / "secrets" / "admin.token").read_text().strip()
    assert sight.places_of(admin_token) == {"secrets/admin.token"}
    run_ostiary("down", data=data)
    # The archive remembers port and settings.
    restoration = run_ostiary("restore", str(place / "b.zip"), data=restored)
    assert restoration["tables"] == result["tables"]
    assert run_ostiary("up", "--detach", data=restored)["issuer"] == issuer
    assert "ada@example.com" in ada.request("GET", "/demo").text
    assert is_active(issuer, client, token)
    assert is_active(issuer, client, token_of(issuer, client))
    for email in ("ada@example.com", *before[-2:]):
        assert Browser(issuer).sign("/sign-in", email) == 303
    refused = call_ostiary("restore", str(place / "b.zip"), data=restored)
    assert refused.returncode == 2
    assert "data_directory_not_empty" in refused.stdout
    assert Browser(issuer).sign("/sign-up", "late@example.com") == 303
    again = run_ostiary("restore", str(place / "b.zip"), "--replace", data=restored)
    assert again["running"]
    assert "keys rotate --revoke" in again["valid_again"]
    assert Path(again["replaced"], "identity.db").exists()
    assert Browser(issuer).sign("/sign-in", "late@example.com") == 200
    assert Browser(issuer).sign("/sign-in", "ada@example.com") == 303
    assert is_active(issuer, client, token)


def sqlite(data: Path) -> str:
    return f"sqlite:///{data / 'identity.db'}"


@pytest.mark.postgres
def test_a_backup_of_postgresql_comes_back_and_its_password_shows_nowhere(
    place: Path, postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, restored = place / "data", place / "restored"
    urls = [
        postgres_server.fresh_database().replace("ostiary@", f"ostiary:{DATABASE_PASSWORD}@")
        for _ in range(2)
    ]
    monkeypatch.setenv("OSTIARY_DATABASE_URL", urls[0])
    options = ["--detach", "--port", str(free_port()), "--config", str(place / "ostiary.toml")]
    issuer = run_ostiary("up", *options, data=data)["issuer"]
    monkeypatch.delenv("OSTIARY_DATABASE_URL")
    assert Browser(issuer).sign("/sign-up", "ada@example.com") == 303
    result = run_ostiary("backup", str(place / "b.zip"), data=data)
    assert result["database"] == "postgresql"
    sight = Sight(data)
    for secret in (PASSWORD, *private_parts(data, urls[0])):
        assert sight.places_of(secret) == set()
    allowed = re.compile(r"guard\.options\.json|replicas/[\w-]+\.config\.json")
    holders = sight.places_of(DATABASE_PASSWORD)
    assert holders
    assert [name for name in holders if not allowed.fullmatch(name)] == []
    assert {(data / name).stat().st_mode & 0o777 for name in holders} == {0o600}
    assert DATABASE_PASSWORD.encode() not in (place / "b.zip").read_bytes()
    run_ostiary("down", data=data)
    unnamed = call_ostiary("restore", str(place / "b.zip"), data=restored)
    assert (unnamed.returncode, "database_missing" in unnamed.stdout) == (2, True)
    taken = call_ostiary("restore", str(place / "b.zip"), "--database", urls[0], data=restored)
    assert (taken.returncode, "database_not_empty" in taken.stdout) == (3, True)
    monkeypatch.setenv("OSTIARY_DATABASE_URL", urls[1])
    run_ostiary("restore", str(place / "b.zip"), data=restored)
    monkeypatch.delenv("OSTIARY_DATABASE_URL")
    issuer = run_ostiary("up", "--detach", data=restored)["issuer"]
    assert Browser(issuer).sign("/sign-in", "ada@example.com") == 303
    run_ostiary("down", data=restored)
    for url in urls:
        postgres_server.drop_database(url)

"""Backups: whole or not there, and refused when they are not what was written."""

import json
import os
import resource
import signal
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError
from ostiary.kernel.ids import SystemRandom
from ostiary.kernel.journal import Journal
from ostiary.runtime.backups.archive_writer import write_archive
from ostiary.runtime.backups.backup import BackupSource, take_backup
from ostiary.runtime.backups.manifest import MANIFEST
from ostiary.runtime.backups.restoration import RestoreTarget
from ostiary.runtime.backups.restore import prepare_restoration
from ostiary.runtime.data_directory import DataDirectory
from tests.identity_app import build_identity

Change = Callable[[dict[str, bytes]], None]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> BackupSource:
    """A data directory as a system leaves it, with one account."""
    directory = tmp_path_factory.mktemp("source")
    data = DataDirectory(directory / "data")
    data.prepare(SystemRandom())
    url = f"sqlite:///{data.path / 'identity.db'}"
    with closing(Journal(data.journal, SystemClock())) as journal:
        journal.append("began", None, {"n": 1})
    names = ("0123456789ab/ostiary/__init__.py", "0123456789ab.json", "ba9876543210/server")
    for name in (*names, ".staging-x/y.py"):
        file = data.releases / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    (data.releases / "0123456789ab/ostiary/link.py").symlink_to("/etc/hostname")
    (data.snapshots / "s-1.json").write_text("{}")
    settings = directory / "elsewhere.toml"
    settings.write_text("[identity]\n")
    service = build_identity(directory / "identity", database_url=url)
    service.add_user()
    service.close()
    return BackupSource(data, url, {"port": 8123}, settings, with_secrets=True)


def take(source: BackupSource, file: Path) -> dict:
    return take_backup(source, file, clock=SystemClock(), note=lambda _text: None)


def restore(file: Path, data: Path) -> dict[str, int]:
    target = RestoreTarget(data, None)
    clock, rng = SystemClock(), SystemRandom()
    with prepare_restoration(file, target, clock=clock, rng=rng, note=print) as restoration:
        restoration.put_in_place(rng)
        return dict(restoration.rows)


@pytest.fixture(scope="module")
def backup(source: BackupSource, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("backup") / "one.zip"
    take(source, file)
    return file


def test_a_backup_holds_what_is_needed_and_comes_back(
    source: BackupSource, backup: Path, tmp_path: Path
) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    data = tmp_path / "new" / "data"
    assert restore(backup, data)["users"] == 1
    assert (data / "releases/0123456789ab/ostiary/__init__.py").stat().st_mode & 0o777 == 0o444
    assert (data / "releases/ba9876543210/server").stat().st_mode & 0o777 == 0o555
    assert (data / "secrets/store.key").read_bytes() == source.data.store_key_file.read_bytes()
    for path in (data / "identity.db", data / "guard.db", data / "secrets/store.key"):
        assert path.stat().st_mode & 0o777 == 0o600
    assert data.stat().st_mode & 0o777 == 0o700
    with closing(Journal(data / "guard.db", SystemClock())) as journal:
        assert journal.verify().whole
        assert len(journal.entries()) == 1
    options = json.loads((data / "guard.options.json").read_text())
    assert options == {"port": 8123, "config": str(data / "ostiary.toml")}
    DataDirectory(data).prepare(SystemRandom())
    names = {path.name for path in data.rglob("*")}
    assert not names & {".staging-x", "link.py"}
    assert {path.name for path in data.parent.iterdir()} == {"data"}


def test_without_secrets_the_key_stays_at_home(source: BackupSource, tmp_path: Path) -> None:
    result = take(replace(source, with_secrets=False), tmp_path / "b.zip")
    assert (result["secrets"], result["store_key"]) == (False, False)
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    for file in (source.data.store_key_file, source.data.admin_token_file):
        assert file.read_bytes() not in content
    restore(tmp_path / "b.zip", tmp_path / "data")
    with pytest.raises(OstiaryError) as caught:
        DataDirectory(tmp_path / "data").prepare(SystemRandom())
    assert caught.value.code == "store_key_missing"


def test_a_file_that_exists_is_not_overwritten(source: BackupSource, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(OstiaryError) as caught:
        take(source, backup)
    assert caught.value.code == "backup_exists"
    assert backup.read_bytes() == before


def rewritten(backup: Path, file: Path, change: Change) -> Path:
    """Write a copy of a backup with other members; the manifest is one of them."""
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file


def with_manifest(change: Callable[[dict], None]) -> Change:
    def apply(members: dict[str, bytes]) -> None:
        manifest = json.loads(members[MANIFEST])
        change(manifest)
        members[MANIFEST] = json.dumps(manifest).encode()

    return apply


def smuggled(name: str) -> Change:
    """Add a member of that name, rightly hashed."""

    def apply(members: dict[str, bytes]) -> None:
        manifest = json.loads(members[MANIFEST])
        manifest["files"][name] = manifest["files"]["layout.json"]
        members[name] = members["layout.json"]
        members[MANIFEST] = json.dumps(manifest).encode()

    return apply


def bomb(members: dict[str, bytes]) -> None:
    members["snapshots/s-1.json"] = bytes(50_000_000)


HOSTILE: dict[str, tuple[Change, str]] = {
    "other content": (lambda m: m.update({"snapshots/s-1.json": b"[]"}), "backup_damaged"),
    "unfolds to more": (bomb, "backup_damaged"),
    "a file is missing": (lambda m: m.pop("snapshots/s-1.json") and None, "backup_damaged"),
    "a file too many": (lambda m: m.update({"snapshots/s-2.json": b"{}"}), "backup_damaged"),
    "no manifest": (lambda m: m.pop(MANIFEST) and None, "backup_damaged"),
    "no manifest inside": (lambda m: m.update({MANIFEST: b"[1"}), "backup_damaged"),
    "a bottomless manifest": (lambda m: m.update({MANIFEST: b"[" * 100_000}), "backup_damaged"),
    "up and away": (smuggled("../away"), "backup_damaged"),
    "up from below": (smuggled("releases/../../away"), "backup_damaged"),
    "from the root": (smuggled("/tmp/away"), "backup_damaged"),
    "nowhere known": (smuggled("replicas/evil.json"), "backup_damaged"),
    "windows": (smuggled("releases\\..\\away"), "backup_damaged"),
    "newer format": (with_manifest(lambda m: m.update(format=2)), "backup_newer"),
    "newer layout": (with_manifest(lambda m: m.update(layout=99)), "backup_newer"),
    "odd types": (with_manifest(lambda m: m.update(rows=[1])), "backup_damaged"),
    "odd lengths": (
        with_manifest(lambda m: m["files"]["guard.db"].update(bytes=-1)),
        "backup_damaged",
    ),
    "more than fits": (
        with_manifest(lambda m: m["files"]["guard.db"].update(bytes=2**60)),
        "backup_damaged",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_backup_that_is_not_what_was_written_is_refused(
    backup: Path, tmp_path: Path, name: str
) -> None:
    change, code = HOSTILE[name]
    file = rewritten(backup, tmp_path / "hostile.zip", change)
    with pytest.raises(OstiaryError) as caught:
        restore(file, tmp_path / "data")
    assert caught.value.code == code
    assert caught.value.hint
    assert {path.name for path in tmp_path.iterdir()} == {"hostile.zip"}


def test_a_file_that_is_no_backup_or_was_cut_is_refused(backup: Path, tmp_path: Path) -> None:
    content = backup.read_bytes()
    damaged = bytearray(content)
    damaged[len(content) // 3] ^= 0xFF
    for wrong in (b"", b"hello", content[: len(content) // 2], content[:-1], bytes(damaged)):
        file = tmp_path / "wrong.zip"
        file.write_bytes(wrong)
        with pytest.raises(OstiaryError) as caught:
            restore(file, tmp_path / "data")
        assert caught.value.code == "backup_damaged"
    for missing in (tmp_path / "none.zip", tmp_path):
        with pytest.raises(OstiaryError) as caught:
            restore(missing, tmp_path / "data")
        assert caught.value.code == "backup_unreadable"
    assert not (tmp_path / "data").exists()


def test_links_in_an_archive_become_files_with_their_text(backup: Path, tmp_path: Path) -> None:
    file = tmp_path / "links.zip"
    with zipfile.ZipFile(backup) as archive, zipfile.ZipFile(file, "w") as other:
        for name in archive.namelist():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = (stat.S_IFLNK | 0o777) << 16
            other.writestr(entry, archive.read(name))
    restore(file, tmp_path / "data")
    assert not any(path.is_symlink() for path in (tmp_path / "data").rglob("*"))


def test_a_full_disk_leaves_no_half_backup_and_no_half_restore(
    source: BackupSource, backup: Path, tmp_path: Path
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OstiaryError) as caught:
            write_archive(tmp_path / "b.zip", lambda a: a.add("x", [os.urandom(100_000)]))
        assert caught.value.code == "backup_not_written"
        with pytest.raises(OstiaryError):
            restore(backup, tmp_path / "data")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list(tmp_path.iterdir()) == []


def test_a_killed_backup_leaves_nothing_of_its_name_and_the_next_one_tidies_up(
    tmp_path: Path,
) -> None:
    file = tmp_path / "b.zip"
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ostiary.runtime.backups.archive_writer import write_archive\n"
        "def fill(archive):\n"
        "    archive.add('x', [b'x' * 100000])\n"
        "    print('writing', flush=True)\n"
        "    time.sleep(600)\n"
        "write_archive(Path(sys.argv[1]), fill)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(file)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    # Beside one that is under way another one leaves it alone.
    write_archive(tmp_path / "other.zip", lambda archive: archive.add("x", [b"x"]))
    assert len(list(tmp_path.glob(".b.zip.*"))) == 1
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not file.exists()
    write_archive(file, lambda archive: archive.add("x", [b"x"]))
    assert {path.name for path in tmp_path.iterdir()} == {"b.zip", "other.zip"}

"""Releases are copied whole under their hash, or not at all."""

import os
import shutil
import signal
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import ostiary
from ostiary.kernel.errors import ExitCode, UsageError
from ostiary.kernel.hashing import directory_hash
from ostiary.runtime import release_sources, releases
from ostiary.runtime.bytecode import CACHE_TAG
from ostiary.runtime.release_manifest import write_manifest
from ostiary.runtime.releases import ReleaseAlteredError, ReleaseStore
from tests.runtime.fake_release import write_release

ENTRY = "ostiary/identity/__main__.py"


@pytest.fixture
def store(tmp_path):
    return ReleaseStore(tmp_path / "data" / "releases")


@pytest.fixture
def source(tmp_path):
    return write_release(tmp_path / "source")


def wheel_of(source, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted((source / "ostiary").rglob("*.py")):
            archive.write(file, file.relative_to(source).as_posix())
        archive.writestr("ostiary-1.dist-info/METADATA", "Name: ostiary\n")
    return path


def refused(store, path):
    with pytest.raises(UsageError) as caught:
        store.import_release(path)
    assert caught.value.exit_code is ExitCode.USAGE
    assert store.list_() == []
    assert not list(store._directory.glob(".staging*"))
    return caught.value


def names(release):
    return {
        path.relative_to(release.directory).as_posix()
        for path in release.directory.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_directory_is_copied_under_the_hash_of_its_content(store, source):
    release = store.import_release(source)

    assert release.hash == directory_hash(source)
    assert release.directory.name == release.hash[:12]
    assert names(release) == {
        "ostiary/__init__.py",
        "ostiary/identity/__init__.py",
        "ostiary/identity/__main__.py",
        "ostiary/identity/behaviour.py",
    }
    assert store.list_() == [release]
    assert store.get(release.hash) == store.get(release.hash[:12]) == release
    assert store.verify(release.hash) == []


def test_a_release_is_on_disk_before_anything_says_that_it_is_there(store, source, monkeypatch):
    """After a power cut it is there and whole, or it is not there."""
    synced = []

    def sync(directory):
        synced.append(sorted(path.name for path in directory.rglob("*.py")))
        assert store.list_() == []

    monkeypatch.setattr(releases, "sync_file_system", sync)
    release = store.import_release(source)
    assert synced == [sorted(path.name for path in release.directory.rglob("*.py"))]
    assert synced[0]


def test_the_same_content_is_the_same_release_wherever_it_comes_from(store, source, tmp_path):
    in_src = write_release(tmp_path / "checkout", below="src")
    wheel = wheel_of(source, tmp_path / "ostiary-1-py3-none-any.whl")
    (in_src / "README.md").write_text("not part of the release")
    (source / "ostiary" / "__pycache__").mkdir()
    (source / "ostiary" / "__pycache__" / "x.pyc").write_bytes(b"x")

    releases = {store.import_release(path) for path in (source, in_src, wheel)}

    assert len(releases) == 1
    assert len(store.list_()) == 1


def test_importing_again_leaves_the_copy_untouched(store, source):
    release = store.import_release(source)
    before = (release.directory / ENTRY).stat()

    store.import_release(source)

    assert (release.directory / ENTRY).stat() == before


def test_another_content_is_another_release(store, source, tmp_path):
    other = write_release(tmp_path / "other", "exits")

    assert store.import_release(source).hash != store.import_release(other).hash
    assert len(store.list_()) == 2


def test_what_happens_to_the_original_does_not_reach_the_copy(store, source):
    release = store.import_release(source)
    (source / ENTRY).write_text("raise SystemExit")

    assert store.verify(release.hash) == []


def test_files_of_the_copy_are_read_only(store, source):
    release = store.import_release(source)

    for path in release.directory.rglob("*"):
        if path.is_file():
            assert stat.S_IMODE(path.stat().st_mode) == 0o444, path


def test_the_running_package_itself_is_a_release(store):
    release = store.import_installed()
    argv = [sys.executable, "-P", "-c", "import ostiary.identity; print(ostiary.__file__)"]
    environment = {"PYTHONPATH": str(release.directory)}
    result = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)

    assert result.stdout.strip() == str(release.directory / "ostiary" / "__init__.py")
    assert store.verify(release.hash) == []
    assert store.import_installed() == release
    assert (release.directory / ENTRY).read_bytes() == (
        Path(ostiary.__file__).parent / "identity" / "__main__.py"
    ).read_bytes()


def test_a_release_is_compiled_so_that_running_it_writes_nothing(store, source):
    release = store.import_release(source)
    before = {path: path.stat().st_mtime_ns for path in release.directory.rglob("*")}
    argv = [sys.executable, "-P", "-v", "-c", "import ostiary.identity.behaviour"]
    environment = {"PYTHONPATH": str(release.directory)}

    result = subprocess.run(argv, env=environment, capture_output=True, text=True, check=True)

    cached = release.directory / f"ostiary/identity/__pycache__/behaviour.{CACHE_TAG}.pyc"
    assert f"matches {release.directory / 'ostiary/identity/behaviour.py'}" in result.stderr
    assert str(cached) in result.stderr
    assert {path: path.stat().st_mtime_ns for path in release.directory.rglob("*")} == before


def test_a_source_file_with_a_syntax_error_does_not_keep_a_release_out(store, source):
    (source / "ostiary" / "broken.py").write_text("def (")

    release = store.import_release(source)

    assert "ostiary/broken.py" in names(release)
    assert store.verify(release.hash) == []


def test_a_release_of_another_python_is_compiled_before_it_starts(store, source, monkeypatch):
    monkeypatch.setattr("ostiary.runtime.releases.CACHE_TAG", "cpython-399")
    monkeypatch.setattr("ostiary.runtime.bytecode.CACHE_TAG", "cpython-399")
    release = store.import_release(source)
    monkeypatch.undo()

    assert store.for_start(release.hash) == release

    compiled = release.directory / f"ostiary/identity/__pycache__/__main__.{CACHE_TAG}.pyc"
    assert compiled.exists()
    assert store.verify(release.hash) == []
    assert store.for_start(release.hash) == release


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda d: overwrite(d / ENTRY), [ENTRY]),
        (lambda d: (d / ENTRY).unlink(), [ENTRY]),
        (lambda d: (d / "ostiary" / "more.py").write_text(""), ["ostiary/more.py"]),
        (lambda d: (d / "sitecustomize.py").write_text(""), ["sitecustomize.py"]),
        (
            lambda d: overwrite(d / f"ostiary/__pycache__/__init__.{CACHE_TAG}.pyc"),
            [f"ostiary/__pycache__/__init__.{CACHE_TAG}.pyc"],
        ),
        (lambda d: link_instead(d / ENTRY), [ENTRY]),
        (lambda d: link_to_nothing(d / "ostiary" / "x.py"), ["ostiary/x.py"]),
    ],
)
def test_altered_files_are_named_and_the_release_is_not_started(store, source, change, found):
    release = store.import_release(source)
    change(release.directory)

    assert store.verify(release.hash) == found
    with pytest.raises(ReleaseAlteredError) as caught:
        store.for_start(release.hash)
    assert found[0] in caught.value.message


def overwrite(path):
    path.chmod(0o600)
    path.write_bytes(b"other")


def link_instead(path):
    elsewhere = path.parents[3] / "elsewhere.py"
    shutil.move(path, elsewhere)
    path.symlink_to(elsewhere)


def link_to_nothing(path):
    path.symlink_to("nowhere")


def test_a_manifest_that_was_altered_with_the_files_is_found_by_the_hash(store, source):
    release = store.import_release(source)
    overwrite(release.directory / ENTRY)
    write_manifest(release.directory, release.hash, [CACHE_TAG])

    assert store.verify(release.hash) == [f"{release.hash[:12]}.json"]


def test_importing_again_mends_an_altered_copy_and_keeps_it_for_inspection(store, source):
    release = store.import_release(source)
    overwrite(release.directory / ENTRY)

    assert store.import_release(source) == release

    assert store.verify(release.hash) == []
    altered = release.directory.with_name(f".altered-{release.directory.name}")
    assert (altered / ENTRY).read_bytes() == b"other"
    assert store.list_() == [release]


@pytest.mark.parametrize("name", ["", "f" * 64, "..", "../../etc", ".lock", "a"])
def test_an_unknown_release_is_wrong_usage(store, source, name):
    store.import_release(source)

    with pytest.raises(UsageError) as caught:
        store.get(name)

    assert caught.value.code == "release_not_found"


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"hash": 5}', b"\xff"])
def test_a_damaged_manifest_is_no_release_and_mended_by_importing_again(store, source, content):
    release = store.import_release(source)
    release.directory.with_name(f"{release.directory.name}.json").write_bytes(content)

    with pytest.raises(UsageError):
        store.get(release.hash)

    assert store.import_release(source) == release
    assert store.verify(release.hash) == []


# What is no release.


def test_a_path_that_does_not_exist_is_no_release(store, tmp_path):
    error = refused(store, tmp_path / "missing")

    assert error.code == "not_a_release"
    assert "does not exist" in error.message
    assert "A release is a directory that holds the package `ostiary`" in error.hint


@pytest.mark.parametrize("name", ["notes.txt", "ostiary-0.1.tar.gz", "ostiary.zip"])
def test_another_kind_of_file_is_no_release(store, tmp_path, name):
    (tmp_path / name).write_bytes(b"x")

    assert "neither a directory nor a wheel" in refused(store, tmp_path / name).message


def test_a_directory_without_the_package_is_no_release(store, tmp_path):
    (tmp_path / "ostiary").mkdir()

    assert "no package `ostiary`" in refused(store, tmp_path).message


def test_the_package_directory_itself_is_no_release(store, source):
    assert "no package `ostiary`" in refused(store, source / "ostiary").message


def test_a_package_without_the_login_service_is_no_release(store, source):
    (source / ENTRY).unlink()

    assert ENTRY in refused(store, source).message


@pytest.mark.parametrize("target", ["/etc/hostname", "../../outside.py"])
def test_a_link_that_leads_out_of_the_release_is_refused(store, source, target):
    (source.parent / "outside.py").write_text("SECRET = 1")
    (source / "ostiary" / "linked.py").symlink_to(target)

    assert "the link ostiary/linked.py leads out of it" in refused(store, source).message


def test_a_link_to_a_directory_outside_is_refused(store, source, tmp_path):
    (source / "ostiary" / "linked").symlink_to(tmp_path)

    assert "does not lead to a file" in refused(store, source).message


def test_a_package_that_is_itself_a_link_out_is_refused(store, source, tmp_path):
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "ostiary").symlink_to(source / "ostiary")

    assert "leads out" in refused(store, tmp_path / "links").message


@pytest.mark.parametrize("target", [".", "nowhere.py", "itself.py"])
def test_a_link_that_leads_to_no_file_is_refused(store, source, target):
    (source / "ostiary" / "itself.py").symlink_to(target)

    assert "link" in refused(store, source).message


def test_a_link_within_the_release_becomes_a_file(store, source):
    (source / "LICENSE").write_text("free")
    (source / "ostiary" / "LICENSE").symlink_to("../LICENSE")

    copy = store.import_release(source).directory / "ostiary" / "LICENSE"

    assert copy.read_text() == "free"
    assert not copy.is_symlink()


def test_a_path_that_is_a_link_to_a_release_is_fine(store, source, tmp_path):
    (tmp_path / "current").symlink_to(source)

    assert store.import_release(tmp_path / "current") == store.import_release(source)


def test_a_pipe_is_refused_and_not_waited_for(store, source):
    os.mkfifo(source / "ostiary" / "pipe")

    assert "no ordinary file" in refused(store, source).message


def test_a_file_name_that_is_not_utf_8_is_refused(store, source):
    Path(os.fsdecode(bytes(source / "ostiary") + b"/\xff.py")).write_text("")

    assert "UTF-8" in refused(store, source).message


def test_a_release_that_is_too_large_is_refused(store, source, monkeypatch):
    monkeypatch.setattr(release_sources, "BYTES_MAX", 5000)
    with (source / "ostiary" / "large.bin").open("wb") as stream:
        stream.truncate(10_000)

    assert "more than 5000 bytes" in refused(store, source).message


def test_a_release_of_too_many_files_is_refused(store, source, monkeypatch):
    monkeypatch.setattr(release_sources, "FILES_MAX", 3)

    assert "more than 3 files" in refused(store, source).message


def test_a_source_that_cannot_be_copied_is_said_with_the_file(store, source, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "releases").write_text("a file where the releases should be")

    with pytest.raises(UsageError) as caught:
        store.import_release(source)

    assert caught.value.code == "release_not_copied"


# Wheels.


def evil_wheel(source, path, name, *, attributes=0, content=b"x"):
    wheel_of(source, path)
    info = zipfile.ZipInfo(name)
    info.external_attr = attributes
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(info, content)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "../evil.py",
        "ostiary/../../evil.py",
        "/tmp/evil.py",
        "ostiary//evil.py",
        "ostiary/./evil.py",
        "ostiary\\..\\evil.py",
        "C:/evil.py",
        "..",
    ],
)
def test_a_wheel_with_a_name_that_leads_out_is_refused(store, source, tmp_path, name):
    wheel = evil_wheel(source, tmp_path / "evil.whl", name)

    assert "unsafe name" in refused(store, wheel).message
    assert not list(tmp_path.rglob("evil.py"))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_a_wheel_with_links_or_special_files_is_refused(store, source, tmp_path, kind):
    wheel = evil_wheel(
        source, tmp_path / "evil.whl", "ostiary/x", attributes=(kind | 0o777) << 16, content=b"/etc"
    )

    assert "no ordinary file" in refused(store, wheel).message


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", [ENTRY, "ostiary/__init__.py/inner.py"])
def test_a_wheel_that_holds_a_name_twice_is_refused(store, source, tmp_path, name):
    wheel = evil_wheel(source, tmp_path / "evil.whl", name)

    assert "twice" in refused(store, wheel).message


def test_a_wheel_that_unpacks_to_too_much_is_refused(store, source, tmp_path, monkeypatch):
    monkeypatch.setattr(release_sources, "BYTES_MAX", 1_000_000)
    wheel = wheel_of(source, tmp_path / "bomb.whl")
    with zipfile.ZipFile(wheel, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("ostiary/zeros.bin", b"\0" * 50_000_000)

    assert wheel.stat().st_size < 100_000
    assert "more than 1000000 bytes" in refused(store, wheel).message


@pytest.mark.parametrize("damage", ["empty", "text", "cut", "flipped"])
def test_a_wheel_that_cannot_be_read_is_refused(store, source, tmp_path, damage):
    wheel = wheel_of(source, tmp_path / "damaged.whl")
    content = bytearray(wheel.read_bytes())
    if damage == "flipped":
        content[200:260] = b"\xff" * 60
    wheel.write_bytes(
        {
            "empty": b"",
            "text": b"this is text",
            "cut": bytes(content[: len(content) // 2]),
            "flipped": bytes(content),
        }[damage]
    )

    assert "cannot be read" in refused(store, wheel).message


def test_a_wheel_of_something_else_is_no_release(store, tmp_path):
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("other/__init__.py", "")

    assert ENTRY in refused(store, tmp_path / "other.whl").message


# Crashes.

DYING_IMPORT = """\
import os, signal, sys
from pathlib import Path
from ostiary.runtime import releases

point, directory, source = sys.argv[1:]
store = releases.ReleaseStore(Path(directory))

def die(*arguments, **keywords):
    os.kill(os.getpid(), signal.SIGKILL)

replace = os.replace
def die_after_replace(*arguments):
    replace(*arguments)
    die()

if point == "copied":
    releases.directory_hash = die
elif point == "compiling":
    releases.compile_tree = die
elif point == "renaming":
    os.replace = die
elif point == "renamed":
    os.replace = die_after_replace
store.import_release(Path(source))
"""


@pytest.mark.parametrize("point", ["copied", "compiling", "renaming", "renamed"])
def test_kill_9_leaves_nothing_that_would_be_used(store, source, point):
    argv = [sys.executable, "-c", DYING_IMPORT, point, str(store._directory), str(source)]
    result = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr

    assert store.list_() == []
    with pytest.raises(UsageError):
        store.for_start(directory_hash(source))

    release = store.import_release(source)
    assert store.verify(release.hash) == []
    assert not list(store._directory.glob(".staging*"))

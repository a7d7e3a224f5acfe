"""The guard's sockets stand where nobody else can put one, and take over from the dead only."""

import os
import socket
import stat

import pytest

from ostiary.guard.socket import bound, prepare_directory, require_safe
from ostiary.kernel.errors import UsageError
from tests.other_users import give_to


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def test_without_a_second_path_there_is_one_private_socket(tmp_path):
    with bound(tmp_path, None) as sockets:
        assert len(sockets) == 1
        assert mode(tmp_path / "guard.sock") == 0o600
    assert not (tmp_path / "guard.sock").exists()


def test_the_second_socket_can_be_opened_by_all_and_its_directory_is_made(tmp_path):
    public = tmp_path / "run" / "guard.sock"
    with bound(tmp_path, public) as sockets:
        assert len(sockets) == 2
        assert (mode(public), mode(public.parent)) == (0o666, 0o755)
    assert not public.exists()


def test_nobody_can_connect_before_the_guard_listens(tmp_path):
    with (
        bound(tmp_path, None),
        socket.socket(socket.AF_UNIX) as caller,
        pytest.raises(ConnectionRefusedError),
    ):
        caller.connect(str(tmp_path / "guard.sock"))


def test_what_a_dead_guard_has_left_is_replaced(tmp_path):
    public = tmp_path / "public.sock"
    for path in (tmp_path / "guard.sock", public):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
    with bound(tmp_path, public) as sockets:
        assert len(sockets) == 2


def test_a_socket_on_which_somebody_listens_is_left_to_them(tmp_path):
    public = tmp_path / "public.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(public))
        other.listen()
        with pytest.raises(UsageError, match="Another process listens"), bound(tmp_path, public):
            pass
        assert public.exists()
    assert not (tmp_path / "guard.sock").exists()


def test_a_file_is_not_replaced(tmp_path):
    public = tmp_path / "public.sock"
    public.write_text("mine")
    with pytest.raises(UsageError, match="is no socket"), bound(tmp_path, public):
        pass
    assert public.read_text() == "mine"


@pytest.mark.parametrize("open_mode", [0o777, 0o775, 0o757, 0o1777])
def test_a_directory_that_others_write_to_is_refused(tmp_path, open_mode):
    directory = tmp_path / "run"
    directory.mkdir()
    directory.chmod(open_mode)
    with pytest.raises(UsageError) as caught:
        prepare_directory(directory / "guard.sock")
    assert caught.value.code == "socket_directory_open"
    assert f"{open_mode:04o}" in caught.value.message


def test_a_directory_below_one_that_others_write_to_is_refused(tmp_path):
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(UsageError, match="lets others put"):
        prepare_directory(tmp_path / "open" / "run" / "guard.sock")


@pytest.mark.users
def test_a_directory_of_another_user_is_refused(tmp_path):
    (tmp_path / "run").mkdir()
    give_to(1001, tmp_path / "run")
    with pytest.raises(UsageError, match="owner 1001"):
        require_safe(tmp_path / "run", owners={0, os.geteuid()})
    require_safe(tmp_path / "run", owners={0, 1001, os.geteuid()})


def test_a_directory_that_cannot_be_made_is_told(tmp_path):
    with pytest.raises(UsageError) as caught:
        prepare_directory(tmp_path / "missing" / "run" / "guard.sock")
    assert caught.value.code == "socket_directory_missing"
    assert "0755" in caught.value.hint

"""The relay between real sockets, and the rules that are put in force meanwhile."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from ostiary.drills.injection import relay
from ostiary.drills.injection.relay import (
    CutError,
    Relay,
    Rules,
    RulesFile,
    seconds_delayed,
    seconds_lost,
)
from ostiary.drills.injection.relaying import Network, relaying
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError

MEGABYTE = bytes(range(256)) * 4096


class Drawn:
    """Random numbers that are known beforehand."""

    def __init__(self, *numbers):
        self.numbers = list(numbers)

    def __call__(self):
        return self.numbers.pop(0)


def test_a_segment_that_is_not_lost_is_not_held_up():
    assert seconds_lost(Rules(share=0.1), Drawn(0.1)) == 0.0


def test_each_loss_doubles_the_time_out():
    assert seconds_lost(Rules(share=0.5), Drawn(0.1, 0.4, 0.49, 0.5)) == 1 + 2 + 4


def test_a_sender_gives_up_some_time():
    with pytest.raises(CutError):
        seconds_lost(Rules(share=1.0), Drawn(*[0.9] * 5))


def test_where_losses_cut_the_first_one_ends_the_connection():
    with pytest.raises(CutError):
        seconds_lost(Rules(share=0.5, cut=True), Drawn(0.1))


@pytest.mark.parametrize(("drawn", "seconds"), [(0.0, 0.2), (0.5, 0.3), (1.0, 0.4)])
def test_a_delay_varies_by_its_jitter(drawn, seconds):
    rules = Rules(milliseconds=300, jitter=100)

    assert seconds_delayed(rules, Drawn(drawn)) == pytest.approx(seconds)


def test_nothing_arrives_before_it_was_sent():
    assert seconds_delayed(Rules(milliseconds=10, jitter=100), Drawn(0.0)) == 0.0


@pytest.fixture
def far(tmp_path):
    """A server that sends back what it gets until the other side has ended."""
    with closing(socket.socket(socket.AF_UNIX)) as listener:
        listener.bind(str(tmp_path / "far"))
        listener.listen()
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        yield tmp_path / "far"
        listener.shutdown(socket.SHUT_RDWR)


def echo(listener):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            try:
                while data := connection.recv(65_536):
                    connection.sendall(data)
            except OSError:
                continue


@pytest.fixture
def network(tmp_path, far):
    network = Network(tmp_path / "rules.json")
    with relaying(tmp_path / "near", far, network.path, tmp_path / "log"):
        yield network


@pytest.fixture
def near(tmp_path, network):
    with closing(socket.socket(socket.AF_UNIX)) as connection:
        connection.connect(str(tmp_path / "near"))
        connection.settimeout(20)
        yield connection


def is_over(connection):
    """Return whether nothing comes any more: the other side has gone, in order or not."""
    try:
        return connection.recv(100) == b""
    except ConnectionError:
        return True


def asked(connection, text=b"question"):
    """Return the echo of a text, and the seconds that it took."""
    clock = SystemClock()
    began = clock.monotonic()
    connection.sendall(text)
    answer = connection.recv(65_536)
    return answer, clock.monotonic() - began


def test_without_rules_everything_goes_through_as_it_is(near):
    received = b""
    sender = threading.Thread(target=send_and_end, args=(near,))
    sender.start()
    while data := near.recv(65_536):
        received += data
    sender.join()
    assert received == MEGABYTE


def send_and_end(connection):
    connection.sendall(MEGABYTE)
    connection.shutdown(socket.SHUT_WR)


def test_delays_hold_both_ways_add_up_and_end(network, near):
    with (
        network.worse(Rules(milliseconds=100)),
        network.worse(Rules(milliseconds=200, answers_only=True)),
    ):
        answer, seconds = asked(near)
    assert answer == b"question"
    assert seconds >= 0.4
    assert json.loads(network.path.read_text()) == []
    assert asked(near)[0] == b"question"


def test_order_is_kept_whatever_the_jitter(network, near):
    with network.worse(Rules(milliseconds=50, jitter=50)):
        sender = threading.Thread(target=send_and_end, args=(near,))
        sender.start()
        received = b""
        while data := near.recv(65_536):
            received += data
    sender.join()
    assert received == MEGABYTE


def test_a_connection_that_is_cut_is_cut_at_both_ends(network, near):
    with network.worse(Rules(share=1.0, cut=True)):
        near.sendall(b"question")
        assert is_over(near)


def test_a_relay_ends_with_whoever_started_it(tmp_path):
    command = [sys.executable, "-P", relay.__file__, "--rules", str(tmp_path / "rules.json")]
    with subprocess.Popen(
        [*command, str(tmp_path / "near"), str(tmp_path / "far")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline() == b"listening\n"
        process.stdin.close()
        assert process.wait(20) == 0


def test_an_end_that_is_not_there_ends_the_connection(monkeypatch):
    monkeypatch.setattr(relay, "_DIAL_SECONDS", 0.0)
    near, other = socket.socketpair(socket.AF_UNIX)
    tries = []

    async def dial():
        tries.append("refused")
        raise ConnectionRefusedError

    async def serve():
        streams = await asyncio.open_unix_connection(sock=near)
        await Relay(RulesFile(Path("none")), Drawn()).serve(streams, dial)

    with closing(other):
        asyncio.run(serve())
        assert is_over(other)
    assert len(tries) > relay._DIAL_TRIES_MAX


def test_a_relay_that_cannot_listen_says_why(tmp_path):
    near = tmp_path / "nowhere" / "near"
    with (
        pytest.raises(OstiaryError, match=r"(?s)relay did not start: .*No such file"),
        relaying(near, tmp_path / "far", tmp_path / "rules", tmp_path / "log"),
    ):
        pass


def test_a_relay_that_stands_still_is_ended_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("ostiary.drills.injection.relaying._END_SECONDS_MAX", 0.1)
    with relaying(tmp_path / "near", tmp_path / "far", tmp_path / "rules", tmp_path / "log"):
        (pid,) = children_with(str(tmp_path / "near"))
        os.kill(pid, signal.SIGSTOP)
    assert children_with(str(tmp_path / "near")) == []


def children_with(argument):
    found = subprocess.run(["pgrep", "-f", argument], capture_output=True, text=True, check=False)
    return [int(each) for each in found.stdout.split()]

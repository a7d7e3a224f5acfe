"""Ports are chosen among those on which nothing listens."""

import socket
from pathlib import Path

import pytest

from ostiary.kernel.errors import OstiaryError
from ostiary.runtime import free_ports
from ostiary.runtime.free_ports import choose_ports, is_taken

HOST = "127.0.0.1"


@pytest.fixture
def listener():
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()
        yield listener


def test_the_chosen_ports_differ_and_can_be_bound():
    ports = choose_ports(HOST, 4, seed="a", taken=())

    assert len(set(ports)) == 4
    assert not any(is_taken(HOST, port) for port in ports)


def test_ports_that_the_kernel_hands_out_are_avoided():
    low = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])

    assert all(port < low for port in choose_ports(HOST, 2, seed="a", taken=())) or low <= 10_100


def test_ports_in_use_and_ports_already_chosen_are_passed_over():
    first, second, third = choose_ports(HOST, 3, seed="a", taken=())
    with socket.socket() as listener:
        listener.bind((HOST, first))
        listener.listen()

        assert choose_ports(HOST, 1, seed="a", taken={second}) == [third]
        assert is_taken(HOST, first)


def test_different_seeds_begin_at_different_places():
    assert choose_ports(HOST, 1, seed="a", taken=()) != choose_ports(HOST, 1, seed="b", taken=())


def test_without_ports_below_the_outgoing_range_the_kernel_chooses(tmp_path, monkeypatch):
    everything = tmp_path / "range"
    everything.write_text("1024\t65535\n")
    monkeypatch.setattr(free_ports, "_OUTGOING_RANGE", everything)

    assert len(set(choose_ports(HOST, 3, seed="a", taken=()))) == 3


def test_no_free_port_is_said():
    with pytest.raises(OstiaryError) as caught:
        choose_ports(HOST, 1, seed="a", taken=range(65_536))

    assert caught.value.code == "no_free_port"
    assert caught.value.hint


def test_a_listener_takes_its_port(listener):
    assert is_taken(HOST, listener.getsockname()[1])

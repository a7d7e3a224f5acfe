import os
import signal
import subprocess
import sys

import pytest

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.plain_balancer import spread_plainly, stopped
from ostiary.edge.bootstrap import CLUSTER_FILE, ROUTE_FILE
from ostiary.edge.files import XdsDirectory, xds_file

STABLE = {"retry_on": "5xx", "num_retries": 1}


def endpoint(seat):
    return {
        "endpoint": {"address": {"socket_address": {"port_value": 1000 + seat}}},
        "metadata": {"filter_metadata": {"ostiary": {"served": "last_good", "seat": str(seat)}}},
        "load_balancing_weight": 1,
    }


def cluster(name, seats):
    endpoints = [{"priority": 0, "lb_endpoints": [endpoint(seat) for seat in seats]}]
    return {"name": name, "load_assignment": {"cluster_name": name, "endpoints": endpoints}}


@pytest.fixture
def edge(tmp_path):
    """The edge's directory as a guard leaves it, with seats in no order."""
    directory = tmp_path / "edge"
    directory.mkdir()
    files = XdsDirectory(directory)
    files.write(xds_file(CLUSTER_FILE, [cluster("stable", (2, 0, 1)), cluster("guard", (0,))]))
    routes = [{"match": {"prefix": "/"}, "route": {"cluster": "stable", "retry_policy": STABLE}}]
    host = {"name": "all", "retry_policy": STABLE, "routes": routes}
    files.write(xds_file(ROUTE_FILE, [{"name": "edge", "virtual_hosts": [host]}]))
    return directory


def weights(edge, name):
    clusters = XdsDirectory(edge).read(CLUSTER_FILE).resources
    (found,) = [each for each in clusters if each["name"] == name]
    (group,) = found["load_assignment"]["endpoints"]
    return {
        each["metadata"]["filter_metadata"]["ostiary"]["seat"]: each["load_balancing_weight"]
        for each in group["lb_endpoints"]
    }


def test_each_seat_gets_its_weight_and_nothing_is_asked_twice(edge):
    before = XdsDirectory(edge)
    versions = {name: before.read(name).version for name in (CLUSTER_FILE, ROUTE_FILE)}

    spread_plainly(edge, {"weights": [18, 1, 2]})

    assert weights(edge, "stable") == {"0": 18, "1": 1, "2": 2}
    assert weights(edge, "guard") == {"0": 1}, "other clusters stay as they are"
    files = XdsDirectory(edge)
    assert "retry" not in files.read(ROUTE_FILE).content().decode()
    # Envoy takes no file whose version it knows already.
    assert all(files.read(name).version != versions[name] for name in versions)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"weights": [1, 2]}, "there are 3 replicas and 2 weights"),
        ({"weights": [1, 2, 3], "balancer": "maglev"}, "only `weights` can be put there"),
    ],
)
def test_what_does_not_fit_is_told_and_nothing_is_written(edge, settings, told):
    before = {path: path.read_bytes() for path in edge.rglob("*.json")}

    with pytest.raises(FaultNotInjectableError, match=told):
        spread_plainly(edge, settings)

    assert {path: path.read_bytes() for path in edge.rglob("*.json")} == before


def test_without_an_edge_it_does_not_fit(tmp_path):
    (tmp_path / "edge").mkdir()

    with pytest.raises(FaultNotInjectableError, match="files cannot be read"):
        spread_plainly(tmp_path / "edge", {"weights": [1, 2]})


def wait_for_input():
    """Return a process that ends as soon as it reads something."""
    return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)


def test_a_process_stands_still_until_the_block_ends():
    with wait_for_input() as process:
        with stopped(process.pid):
            # The kernel tells that it stands still to its parent alone.
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WSTOPSIG(status) == signal.SIGSTOP
        process.communicate(b"\n")
    assert process.returncode == 0


def test_a_process_that_died_meanwhile_needs_nothing_more():
    with wait_for_input() as process:
        with stopped(process.pid):
            process.kill()
            process.wait()
        assert process.returncode == -signal.SIGKILL

"""A relay before each replica, so that the network between it and the edge can be made worse.

The edge has the ports by heart that the guard gave to the replicas, and the guard keeps it so. So
the replica makes way: in a release of the drill's own it serves on other ports, and starts a relay
on those that it was given. The relay ends with its replica, however that one ends.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ostiary.drills.faults import Edit
from ostiary.drills.injection import relay
from ostiary.drills.injection.relaying import Network

_FILE: Final = "ostiary/identity/serving.py"
_SERVE: Final = "def serve(configuration: ReplicaConfiguration, identity: Identity) -> None:\n"
_START: Final = "    identity.start()\n    health = HealthListener(\n"
_BEHIND_RELAY: Final = '''\
def _behind_relay(configuration: ReplicaConfiguration) -> ReplicaConfiguration:
    """Start a relay on the ports of this replica; return the configuration with those behind it."""
    import socket
    import subprocess
    with socket.socket() as one, socket.socket() as other:
        for probe in (one, other):
            probe.bind((configuration.host, 0))
        inner = {"port": one.getsockname()[1], "health_port": other.getsockname()[1]}
    pairs = [
        f"{configuration.host}:{port}"
        for name, behind in inner.items()
        for port in (getattr(configuration, name), behind)
    ]
    global _RELAY  # The pipe to it closes with this process, and so it ends.
    _RELAY = subprocess.Popen([*COMMAND, *pairs], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if not _RELAY.stdout.readline():
        raise OSError("the relay of the drill did not start")
    return configuration.model_copy(update=inner)


'''


def edge_network(directory: Path) -> Network:
    """Return the network between edge and replicas of a drill."""
    return Network(directory / "edge-network.json")


def relay_before_replicas(directory: Path) -> Sequence[Edit]:
    """Return the edits by which every replica of a release stands behind a relay."""
    rules = str(edge_network(directory).path)
    command = [sys.executable, "-P", relay.__file__, "--rules", rules]
    defined = _BEHIND_RELAY.replace("COMMAND", repr(command))
    called = "    configuration = _behind_relay(configuration)\n"
    return (
        Edit(file=_FILE, old=_SERVE, new=defined + _SERVE),
        Edit(file=_FILE, old=_START, new=called + _START),
    )

"""The processes that hash for a replica: they are replaced, and never outlive it."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ostiary.kernel.processes import ProcessRecord, identify, is_alive
from ostiary.runtime.resources import children
from tests.outages.replica import Person, Replica, running, until

pytestmark = pytest.mark.system
SLOTS = 2


def hashing_for(person: Person) -> list[ProcessRecord]:
    """Return a replica's hash processes; they are its only children."""
    assert person.replica.process is not None
    pid = person.replica.process.pid
    # The kernel's list of children may be short of one while it changes.
    until(lambda: len(children(pid)) == SLOTS)
    return [record for child in children(pid) if (record := identify(child))]


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    url, settings = f"sqlite:///{tmp_path / 'identity.db'}", {"hash_concurrency": SLOTS}
    with running(Replica(tmp_path, url, settings=settings)) as replica:
        person = Person(replica)
        person.register()
        yield person


def test_a_hash_process_that_is_killed_costs_nobody_their_sign_in(person: Person) -> None:
    before = hashing_for(person)
    for record in before:
        os.kill(record.pid, signal.SIGKILL)
    for _ in range(SLOTS + 1):
        assert Person(person.replica).sign_in().status_code == 303
    assert not set(before) & set(hashing_for(person))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_they_end_with_their_replica(person: Person, number: signal.Signals) -> None:
    before = hashing_for(person)
    assert len(before) == SLOTS
    process = person.replica.process
    assert process is not None
    process.send_signal(number)
    assert process.wait() == (0 if number is signal.SIGTERM else -number)
    until(lambda: not any(is_alive(each) for each in before))

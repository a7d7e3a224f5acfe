"""Signing keys that expire or vanish: rows of the key table changed beside the service.

Neither happens by itself. Next keys are published ahead, a withdrawn key is followed by the next
one, and the use of a key is noted every hour (docs/keys.md). So a key expires only where its notes
do not reach the store, and is missing for good only where the keys of a snapshot that serves were
revoked with it. Both are brought about here as a hand in the database could do it, and taken back;
private keys are neither read nor changed.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from typing import Final

import httpx

from ostiary.drills.injection import running
from ostiary.drills.injection.effect import not_injectable, wait_until
from ostiary.drills.injection.place import InjectionPlace
from ostiary.drills.scenarios.process_kinds import KeyExpired, KeyUnknown
from ostiary.runtime.ports import Replica

SIGN_SECONDS: Final = 13 * 3600
"""How long a key signs after its use was noted last (docs/keys.md, Retirement)."""

_PAST_SECONDS: Final = 3600
_BUSY_SECONDS_MAX: Final = 10.0
_EFFECT_SECONDS_MAX: Final = 30.0
_ANSWER_SECONDS_MAX: Final = 2.0
_ANSWERS: Final = "ostiary_identity_answers_total{"

# Ignored without an error: a store that loses what it has acknowledged.
_KEEP_NOTES_OUT: Final = """
CREATE TRIGGER drill_keeps_notes_out BEFORE UPDATE OF last_used_at ON signing_keys
WHEN OLD.snapshot IS NOT NULL BEGIN SELECT RAISE(IGNORE); END
"""
_LET_NOTES_IN: Final = "DROP TRIGGER IF EXISTS drill_keeps_notes_out"
_NOTE: Final = (
    "UPDATE signing_keys SET last_used_at = ? WHERE snapshot IS NOT NULL AND retired_at IS NULL"
)
_WITHDRAW: Final = """
UPDATE signing_keys SET retired_at = ?, retired_because = 'snapshot_revoked'
WHERE snapshot IS NOT NULL AND retired_at IS NULL RETURNING kid
"""
_PUBLISH: Final = "UPDATE signing_keys SET retired_at = NULL, retired_because = NULL WHERE kid = ?"


@contextmanager
def key_expired(place: InjectionPlace, _fault: KeyExpired) -> Iterator[None]:
    """Let the keys that sign look as if they were noted last too long ago, and keep notes out.

    Returns once every replica has refused to sign: up to five seconds later, when somebody signs
    in.
    """
    before = _refusals(place, "signing_failed")
    now = int(place.clock.now().timestamp())
    try:
        with _store(place) as store:
            store.execute(_NOTE, [now - SIGN_SECONDS - _PAST_SECONDS])
            store.execute(_KEEP_NOTES_OUT)
        place.recorder.note("The signing key has expired.")
        _wait_for_refusals(place, "signing_failed", before)
        yield
    finally:
        with _store(place) as store:
            store.execute(_LET_NOTES_IN)
            store.execute(_NOTE, [int(place.clock.now().timestamp())])


@contextmanager
def key_unknown(place: InjectionPlace, _fault: KeyUnknown) -> Iterator[None]:
    """Take the keys that sign out of the published set, with all that their snapshot has minted.

    Returns once every replica has refused to sign: up to five seconds later, when somebody signs
    in.
    """
    before = _refusals(place, "key_unknown")
    now = int(place.clock.now().timestamp())
    withdrawn: list[str] = []
    try:
        with _store(place) as store:
            withdrawn += [kid for (kid,) in store.execute(_WITHDRAW, [now]).fetchall()]
        place.recorder.note("The signing key is no longer published.")
        _wait_for_refusals(place, "key_unknown", before)
        yield
    finally:
        with _store(place) as store:
            store.executemany(_PUBLISH, [[kid] for kid in withdrawn])


@contextmanager
def _store(place: InjectionPlace) -> Iterator[sqlite3.Connection]:
    """Open the account store for one write transaction."""
    path = place.surroundings.store(place.system.data)
    if not path.exists():
        raise not_injectable(
            "The signing keys are not in a file of SQLite.",
            'Write `database = "sqlite"` in `[topology]`.',
        )
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS_MAX, isolation_level=None)
    with closing(connection) as store:
        store.execute("BEGIN IMMEDIATE")
        # What is not committed when the connection is closed has not happened.
        yield store
        store.execute("COMMIT")


def _refusals(place: InjectionPlace, outcome: str) -> Mapping[str, float]:
    """Return by replica how many answers had an outcome so far; those that say nothing have 0."""
    counts: dict[str, float] = {}
    with httpx.Client(timeout=_ANSWER_SECONDS_MAX, trust_env=False) as client:
        for each in running.replicas(place.system.data):
            counts[each.name] = 0.0
            with suppress(httpx.HTTPError):
                counts[each.name] = count_of(_metrics(client, each), outcome)
    return counts


def _metrics(client: httpx.Client, replica: Replica) -> str:
    return client.get(f"http://{replica.host}:{replica.health_port}/metrics").text


def count_of(metrics: str, outcome: str) -> float:
    """Return how many answers had an outcome, by a replica's metrics."""
    label = f'outcome="{outcome}"'
    lines = [line for line in metrics.splitlines() if line.startswith(_ANSWERS) and label in line]
    return sum(float(line.rpartition(" ")[2]) for line in lines)


def _wait_for_refusals(place: InjectionPlace, outcome: str, before: Mapping[str, float]) -> None:
    wait_until(
        lambda: all(
            count > before.get(name, 0.0) for name, count in _refusals(place, outcome).items()
        ),
        place.clock,
        _EFFECT_SECONDS_MAX,
        f"not every replica has answered {outcome}",
    )

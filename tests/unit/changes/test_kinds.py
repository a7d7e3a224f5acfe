"""What a change touches decides how fast it may go."""

import pytest

from ostiary.changes import events
from ostiary.changes.actions import SetShare
from ostiary.changes.evidence import ArmCounts
from ostiary.changes.kinds import FLAGS_ALONE, Kind, kinds_of
from ostiary.changes.model import Verdict
from ostiary.changes.pacing import Pacing
from ostiary.changes.snapshot import Snapshot
from ostiary.changes.state import Phase
from tests.unit.changes.driving import PACING, Drive, window

SETTINGS = {"identity": {"threads": 4}, "flags": {"new": True}, "edge": {}, "services": {}}
BEFORE = Snapshot.of({"identity": "aa"}, SETTINGS)


def after(releases=None, **tables):
    return Snapshot.of(releases or {"identity": "aa"}, SETTINGS | tables)


@pytest.mark.parametrize(
    ("proposed", "kinds"),
    [
        (after(), ()),
        (after(flags={"new": False}), (Kind.FLAGS,)),
        (after(flags={}), (Kind.FLAGS,)),
        (after(identity={"threads": 8}), (Kind.IDENTITY,)),
        (after(edge={"envoys": 1}), (Kind.EDGE,)),
        (after(services={"api": {}}), (Kind.SERVICES,)),
        (after({"identity": "bb"}), (Kind.RELEASES,)),
        (after({"identity": "aa", "api": "cc"}), (Kind.SERVICES,)),
        (after({"identity": "bb", "api": "cc"}), (Kind.RELEASES, Kind.SERVICES)),
        (after({"identity": "bb"}, flags={}), (Kind.RELEASES, Kind.FLAGS)),
        (after(flags={}, edge={"envoys": 1}), (Kind.FLAGS, Kind.EDGE)),
        (after(watch={"of": "a later version"}, flags={}), (Kind.IDENTITY, Kind.FLAGS)),
    ],
)
def test_a_change_touches_what_differs_between_its_snapshots(proposed, kinds):
    assert kinds_of(BEFORE, proposed) == kinds


def test_one_and_1_are_different_flags():
    assert kinds_of(after(flags={"new": 1}), after(flags={"new": True})) == FLAGS_ALONE


def test_only_flags_alone_take_the_steps_of_flags():
    pacing = Pacing(steps=(0.1, 1.0), flag_steps=(0.5, 1.0))
    assert pacing.at_pace_of(FLAGS_ALONE).steps == (0.5, 1.0)
    for kinds in ((), (Kind.RELEASES,), (Kind.IDENTITY, Kind.FLAGS), (Kind.FLAGS, Kind.EDGE)):
        assert pacing.at_pace_of(kinds) is pacing


def test_the_pace_of_flags_keeps_everything_but_the_steps():
    pacing = Pacing(step_seconds_min=3.0, held_after_seconds=4.0, bake_seconds=5.0)
    flip = pacing.at_pace_of(FLAGS_ALONE)
    assert flip.steps == (1.0,)
    assert (flip.step_seconds_min, flip.held_after_seconds, flip.bake_seconds) == (3.0, 4.0, 5.0)


@pytest.mark.parametrize("steps", [(), (0.5,), (1.0, 0.5)])
def test_the_steps_of_flags_must_rise_to_all_traffic_too(steps):
    with pytest.raises(ValueError, match="Steps must rise"):
        Pacing(flag_steps=steps)


def test_a_flip_goes_from_the_journeys_to_everybody_and_a_bake_in_force():
    drive = Drive(pacing=PACING.at_pace_of(FLAGS_ALONE))
    drive.tell(events.Checked(ok=True), events.CandidatesReady(), events.Rehearsed(passed=True))
    drive.apply_share()
    assert drive.state.phase is Phase.PINNED
    drive.run_journeys()
    assert drive.actions == (SetShare(1.0),)
    drive.apply_share()
    assert drive.state.phase is Phase.BAKING
    drive.until_decided(window(ArmCounts(10, 10, 0, 10), ArmCounts(0)))
    assert drive.state.verdict is Verdict.ROLLED_BACK

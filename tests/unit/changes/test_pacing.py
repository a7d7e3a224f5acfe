from dataclasses import fields

import pytest

from ostiary.changes.guard_settings import GuardSettings
from ostiary.changes.model import Stage
from ostiary.changes.pacing import Pacing, expected_seconds


@pytest.mark.parametrize(
    "steps", [(), (0.1, 0.5), (0.5, 0.1, 1.0), (0.0, 1.0), (0.5, 0.5, 1.0), (0.5, 2.0)]
)
def test_steps_must_rise_to_all_traffic(steps: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="Steps must rise"):
        Pacing(steps=steps)


@pytest.mark.parametrize(
    "change", [{"step_seconds_min": -1.0}, {"bake_seconds": -1.0}, {"held_after_seconds": 0.0}]
)
def test_durations_must_make_sense(change: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="Durations"):
        Pacing(**change)  # type: ignore[arg-type]


def test_every_setting_of_the_pace_is_heeded() -> None:
    # What is added to the pace is asked for here too: a setting that nobody reads is none.
    settings = GuardSettings(
        steps=(10, 100),
        flag_steps=(50, 100),
        step_seconds_min=3.0,
        held_after_seconds=200.0,
        bake_seconds=7.0,
    )
    pace = Pacing.of(settings)
    assert pace == Pacing(
        steps=(0.1, 1.0),
        flag_steps=(0.5, 1.0),
        step_seconds_min=3.0,
        held_after_seconds=200.0,
        bake_seconds=7.0,
    )
    assert all(getattr(pace, each.name) != getattr(Pacing(), each.name) for each in fields(Pacing))


def test_the_next_step_is_the_next_larger_share() -> None:
    pacing = Pacing()
    assert [pacing.step_after(share) for share in (0.0, 0.01, 0.3, 0.5, 1.0)] == [
        0.01,
        0.05,
        0.5,
        1.0,
        1.0,
    ]


BEGINNINGS = (Stage.CHECK, Stage.REHEARSE, Stage.CANARY, Stage.BAKE)


def test_a_change_is_expected_to_take_less_from_a_later_stage() -> None:
    pacing = Pacing()
    durations = [expected_seconds(pacing, stage) for stage in Stage if stage in BEGINNINGS]
    assert durations == sorted(durations, reverse=True)
    # Four steps of ten seconds and the bake are the greater part.
    assert 940.0 < durations[0] < 980.0
    assert durations[-1] < 920.0

import pytest

from ostiary.drills.faults import FaultNotInjectableError
from ostiary.drills.injection.effect import wait_until
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import ExitCode


def test_a_fault_counts_once_it_is_in_effect():
    looks = iter([False, False, True])

    wait_until(lambda: next(looks), SystemClock(), 20, "nothing happens")

    assert list(looks) == []


def test_a_fault_without_effect_is_none():
    with pytest.raises(FaultNotInjectableError) as told:
        wait_until(lambda: False, SystemClock(), 0, "the server still answers")

    assert str(told.value) == "The fault has no effect: the server still answers."
    assert told.value.exit_code == ExitCode.REFUSED

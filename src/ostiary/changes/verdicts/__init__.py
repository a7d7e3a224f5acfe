"""Verdicts about rollouts that somebody else drives.

`trial` is what is known of one version, `counters` turns posted counters into windows, `judging`
decides. Everything here is a pure function of what was seen; no clock, no randomness, no I/O.
"""

from ostiary.changes.verdicts.judging import Judgement, Verdict, judge
from ostiary.changes.verdicts.trial import JourneyRun, Terms, Trial

__all__ = ["JourneyRun", "Judgement", "Terms", "Trial", "Verdict", "judge"]

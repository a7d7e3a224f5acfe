"""Holders of tokens by who minted them: from replicas' metrics to a reason."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.changes.evidence import Evidence, EvidenceSettings
from ostiary.changes.evidence.counts import Trials
from ostiary.edge.counters import EdgeCounters
from ostiary.edge.route_classes import STRATA
from ostiary.guard.mint_watch import Minted, MintWatch
from ostiary.guard.windows import WindowReader

OLD, NEW = "s-old", "s-new"


def replica(name: str, snapshot: str) -> Any:
    """Return what is looked at of a replica."""
    return SimpleNamespace(name=name, snapshot=snapshot)


def metrics(**counts: float) -> str:
    """Return lines such as `old_accepted=3` makes them, among others."""
    lines = ["# TYPE x counter", "ostiary_identity_hash_requests_total 4.0"]
    for name, count in counts.items():
        minter, _, result = name.partition("_")
        labels = f'{{minted_by="s-{minter}",result="{result}"}}'
        lines.append(f"ostiary_identity_token_holders_total{labels} {count}")
    return "\n".join(lines)


def totals(watch: MintWatch) -> Minted:
    return watch.totals(last_good=OLD, canary=NEW)


def test_only_the_last_good_versions_replicas_are_heard():
    watch = MintWatch()
    watch.read(replica("a", OLD), metrics(old_accepted=40, new_accepted=3, new_refused=2))
    watch.read(replica("b", OLD), metrics(old_accepted=10, old_refused=1))
    watch.read(replica("c", NEW), metrics(old_refused=99, new_accepted=99))

    assert totals(watch) == Minted(Trials(5, 2), Trials(51, 1))


def test_a_replica_that_was_replaced_is_not_forgotten_and_none_counts_twice():
    watch = MintWatch()
    watch.read(replica("a", OLD), metrics(new_refused=2))
    watch.read(replica("a", OLD), metrics(new_refused=2))
    watch.read(replica("b", OLD), metrics(new_refused=1))

    assert totals(watch).by_canary == Trials(3, 3)


@pytest.mark.parametrize("count", ["nan", "-1", "inf", "1e300", "x", "-0.5"])
def test_nonsense_is_nothing(count):
    watch = MintWatch()
    watch.read(replica("a", OLD), metrics(new_refused=count))
    assert totals(watch) == Minted(Trials(0, 0), Trials(0, 0))


@given(st.text())
def test_whatever_a_release_sends_there_is_no_error(text):
    watch = MintWatch()
    watch.read(replica("a", OLD), text)
    assert totals(watch).by_canary == Trials(0, 0)


class Change:
    """A change of which only the tokens are watched."""

    def __init__(self) -> None:
        self.reader = WindowReader(EdgeCounters())
        self.watch = MintWatch()
        self.evidence = Evidence(settings=EvidenceSettings(strata=STRATA))
        self.counts: dict[str, int] = dict.fromkeys(
            ("old_accepted", "old_refused", "new_accepted", "new_refused"), 0
        )

    def show(self, *, control_arm: bool = True, **more: int) -> None:
        for name, count in more.items():
            self.counts[name] += count
        self.watch.read(replica("a", OLD), metrics(**self.counts))
        windows, _, _ = self.reader.close(EdgeCounters(), None, totals(self.watch))
        self.evidence = self.evidence.update(windows, control_arm=control_arm)


@pytest.mark.parametrize("control_arm", [True, False], ids=["canary", "bake"])
def test_tokens_of_the_canary_that_last_good_refuses_end_the_change(control_arm):
    change = Change()
    change.show(old_accepted=500, old_refused=3)
    assert change.evidence.strata == {}, "what was shown before the change says nothing"

    for _ in range(20):
        if not change.evidence.decided:
            change.show(old_accepted=6, new_refused=1, control_arm=control_arm)

    assert change.evidence.decided
    (reason, *_) = change.evidence.leading(1)
    assert (reason.stratum, reason.metric) == ("token", "disowned")
    assert reason.canary_events <= 13
    assert reason.text == (
        "token: tokens minted by the canary are refused by last good: "
        f"{reason.canary_events} of {reason.canary_events} holders, "
        f"0 of {reason.control_requests} of its own"
    )


def test_a_last_good_version_that_refuses_everybodys_tokens_is_no_evidence():
    change = Change()
    change.show()
    for _ in range(300):
        change.show(old_accepted=3, old_refused=3, new_accepted=1, new_refused=1)
    assert change.evidence.peak_log_e < 1.0


def test_one_holder_who_spoils_their_own_tokens_cannot_end_a_change():
    change = Change()
    change.show()
    # Each of two replicas counts a holder once; whatever they do, that is all.
    change.show(old_accepted=50, new_accepted=50, new_refused=2)
    for _ in range(100):
        change.show(old_accepted=50, new_accepted=50)
    assert not change.evidence.decided
    assert change.evidence.peak_log_e < 1.0

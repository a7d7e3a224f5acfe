"""The sample Canary for Flagger against the real service: what takes a rollout back.

`flagger.py` models what Flagger does with a status; the statuses come from the service over HTTP.
"""

from typing import Any

import pytest

from tests.unit.guard.verdicts.conftest import TOKENS, rollouts_in, serving, until
from tests.unit.guard.verdicts.flagger import Canary
from tests.unit.guard.verdicts.manifests import one
from tests.unit.watch.own_journeys.conftest import of_json

INTERVALS = 50


class Flagger:
    """Flagger with the sample Canary; `service` is None while the service is away."""

    def __init__(self, token: str = TOKENS["proposer"]) -> None:
        self.service: Any = None
        self.token = token
        self.statuses: list[tuple[str, int | None]] = []
        spec = one("flagger.yaml", "Canary", "login")["spec"]
        self.canary = Canary(spec, "sum-1", self._call)

    def _call(self, hook, payload):
        status = None
        if self.service is not None:
            body = {**payload, "metadata": {**payload["metadata"], "token": self.token}}
            path = hook["url"].partition(":8930")[2]
            status, _ = self.service.post(path, body, token=None)
        self.statuses.append((hook["type"], status))
        return status


@pytest.fixture
def rollouts(versions):
    stable, canary = versions
    return rollouts_in(stable.url, canary.url, 'journeys = ["token"]\npasses_min = 5')


def test_a_service_that_is_away_keeps_the_rollout_waiting_and_takes_nothing_back():
    flagger = Flagger()
    assert {flagger.canary.advance() for _ in range(INTERVALS)} == {"Progressing"}
    assert (flagger.canary.weight, flagger.canary.failed_checks) == (0, 0)
    assert {status for _, status in flagger.statuses} == {None}


def test_undecided_keeps_the_rollout_waiting_and_takes_nothing_back(rollouts, tmp_path):
    flagger = Flagger()
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as flagger.service:
        assert {flagger.canary.advance() for _ in range(INTERVALS)} == {"Progressing"}
    assert (flagger.canary.weight, flagger.canary.failed_checks) == (0, 0)
    assert set(flagger.statuses) == {("rollback", 409), ("confirm-traffic-increase", 409)}


@pytest.mark.parametrize("token", [TOKENS["viewer"], "replace-me", ""])
def test_a_token_that_is_refused_takes_nothing_back(token, rollouts, tmp_path):
    flagger = Flagger(token)
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as flagger.service:
        assert {flagger.canary.advance() for _ in range(5)} == {"Progressing"}
    assert flagger.canary.weight == 0
    assert {status for _, status in flagger.statuses} <= {401, 403}


def test_a_good_version_is_promoted_also_when_the_service_was_away_in_between(rollouts, tmp_path):
    journal, flagger = tmp_path / "verdicts.db", Flagger()
    with serving(rollouts, journal) as flagger.service:
        until(lambda: flagger.canary.advance() and flagger.canary.weight > 0)
    flagger.service, weight = None, flagger.canary.weight
    assert {flagger.canary.advance() for _ in range(5)} == {"Progressing"}
    assert flagger.canary.weight == weight
    with serving(rollouts, journal) as flagger.service:
        until(lambda: flagger.canary.advance() == "Succeeded")
        _, answer = flagger.service.get("/verdicts/login")
        assert answer["reasons"][0]["code"] == "ended"
    assert flagger.canary.failed_checks == 0
    assert flagger.statuses[-1] == ("post-rollout", 200)


def test_a_broken_version_is_rolled_back_and_meets_no_user(versions, rollouts, tmp_path):
    versions[1].token = of_json({"error": "server_error"}, status=500)
    flagger, weights = Flagger(), set()
    with serving(rollouts, tmp_path / "verdicts.db") as flagger.service:

        def has_ended() -> bool:
            weights.add(flagger.canary.weight)
            return flagger.canary.advance() == "Failed"

        until(has_ended)
        again = Flagger()
        again.service = flagger.service
        assert again.canary.advance() == "Failed"
    assert weights == {0}
    assert ("rollback", 200) in flagger.statuses


def test_a_version_that_breaks_later_is_rolled_back_from_its_share(versions, rollouts, tmp_path):
    flagger = Flagger()
    with serving(rollouts, tmp_path / "verdicts.db") as flagger.service:
        until(lambda: flagger.canary.advance() and flagger.canary.weight > 0)
        versions[1].token = of_json({"error": "server_error"}, status=500)
        # Flagger asks every half minute; here it must not ask faster than journeys run.
        until(lambda: flagger.service.get("/verdicts/login")[1]["verdict"] != "go")
        weight = flagger.canary.weight
        until(lambda: flagger.canary.advance() == "Failed" or flagger.canary.weight != weight)
    assert flagger.canary.phase == "Failed"

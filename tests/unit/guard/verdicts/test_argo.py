"""The sample templates for Argo Rollouts against the real service: what takes a rollout back.

`argo.py` models what Argo does with an answer; the answers come from the service over HTTP.
"""

import pytest

from tests.unit.guard.verdicts.argo import ABORTS, CONSECUTIVE_ERRORS_BY_DEFAULT, AnalysisRun
from tests.unit.guard.verdicts.conftest import TOKENS, rollouts_in, serving, until
from tests.unit.guard.verdicts.manifests import one
from tests.unit.guard.verdicts.versions import document
from tests.unit.watch.own_journeys.conftest import of_json

NEVER = 2_000
"""Measurements in a row: more than five hours at the template's interval."""


def metric(template: str) -> dict:
    (found,) = one("argo.yaml", "AnalysisTemplate", template)["spec"]["metrics"]
    return found


class Argo:
    """Asks as the template says, with its arguments filled in."""

    def __init__(self, template: str, revision: str = "r1", token: str = TOKENS["proposer"]):
        self.run = AnalysisRun(metric(template))
        self.web = self.run.metric["provider"]["web"]
        self.filled = {"{{args.revision}}": revision, "{{args.token}}": token}

    def measure(self, service) -> str:
        """Measure at the service; None is one that is away."""
        if service is None:
            return self.run.measure(None)
        (header,) = self.web["headers"]
        kind, _, token = self._fill(header["value"]).partition(" ")
        assert (header["key"], kind, self.web["method"]) == ("Authorization", "Bearer", "POST")
        body = {name: self._fill(value) for name, value in self.web["jsonBody"].items()}
        path = self.web["url"].partition(":8930")[2]
        return self.run.measure(service.post(path, body, token))

    def _fill(self, text: str) -> str:
        for name, value in self.filled.items():
            text = text.replace(name, value)
        return text


@pytest.fixture
def rollouts(versions):
    stable, canary = versions
    return rollouts_in(stable.url, canary.url, 'journeys = ["token"]\npasses_min = 5')


TEMPLATES = pytest.mark.parametrize("template", ["ostiary-stop", "ostiary-go"])


@TEMPLATES
def test_a_service_that_is_away_takes_nothing_back(template):
    argo = Argo(template)
    assert {argo.measure(None) for _ in range(NEVER)} == {"Running"}


def test_without_the_limit_of_the_template_it_would():
    argo = Argo("ostiary-stop")
    argo.run.metric = {**argo.run.metric}
    del argo.run.metric["consecutiveErrorLimit"]
    phases = [argo.measure(None) for _ in range(CONSECUTIVE_ERRORS_BY_DEFAULT + 1)]
    assert phases[-1] == "Error"


@TEMPLATES
def test_undecided_takes_nothing_back_and_lets_nothing_go(template, rollouts, tmp_path):
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as service:
        argo = Argo(template)
        argo.measure(service)
    assert argo.run.counted == {"Inconclusive": 1}
    answer = (200, {"verdict": "undecided"})
    assert {argo.run.measure(answer) for _ in range(NEVER)} == {"Running"}


@TEMPLATES
@pytest.mark.parametrize("token", [TOKENS["viewer"], "ostiary_wrong-0123456789", ""])
def test_a_token_that_is_refused_takes_nothing_back(template, token, rollouts, tmp_path):
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as service:
        argo = Argo(template, token=token)
        assert {argo.measure(service) for _ in range(10)} == {"Running"}
    assert argo.run.counted == {"Error": 10}


@TEMPLATES
def test_a_rollout_that_the_service_does_not_know_takes_nothing_back(template, rollouts, tmp_path):
    other = {"other": next(iter(rollouts.values()))}
    with serving(other, tmp_path / "verdicts.db", walking=False) as service:
        argo = Argo(template)
        assert {argo.measure(service) for _ in range(10)} == {"Running"}


def test_a_good_version_passes_the_step_and_a_restart_of_the_service(rollouts, tmp_path):
    journal = tmp_path / "verdicts.db"
    background, step = Argo("ostiary-stop"), Argo("ostiary-go")
    with serving(rollouts, journal) as service:
        assert step.measure(service) == "Running"
    for _ in range(10):
        assert (step.measure(None), background.measure(None)) == ("Running", "Running")
    with serving(rollouts, journal) as service:
        until(lambda: step.measure(service) == "Successful")
        assert background.measure(service) == "Running"
    assert step.run.counted.keys() <= {"Successful", "Inconclusive", "Error"}


@pytest.mark.parametrize("fault", ["500", "wrong issuer", "missing key"])
def test_a_broken_version_is_taken_back_by_either_template(fault, versions, rollouts, tmp_path):
    _, canary = versions
    if fault == "500":
        canary.token = of_json({"error": "server_error"}, status=500)
    elif fault == "wrong issuer":
        canary.document = document(issuer="http://other.example.test")
    else:
        canary.keys = {"keys": canary.keys["keys"][:1]}
    background, step = Argo("ostiary-stop"), Argo("ostiary-go")
    with serving(rollouts, tmp_path / "verdicts.db") as service:
        until(lambda: background.measure(service) in ABORTS)
        assert step.measure(service) in ABORTS
        # A retry of the same revision meets the same verdict.
        assert Argo("ostiary-stop").measure(service) in ABORTS
        assert Argo("ostiary-stop", revision="r2").measure(service) == "Running"


def test_a_version_without_pods_and_a_broken_stable_one_take_nothing_back(
    versions, rollouts, tmp_path
):
    stable, canary = versions
    canary.server.close()
    argo = Argo("ostiary-stop")
    with serving(rollouts, tmp_path / "verdicts.db") as service:
        argo.measure(service)

        def has_run() -> bool:
            return service.ask()["reasons"][0]["code"] == "canary_not_there"

        until(has_run)
        stable.token = of_json({}, status=500)
        assert argo.measure(service) == "Running"

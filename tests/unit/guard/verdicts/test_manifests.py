"""The sample manifests: fields that exist, names that meet, settings that pass the check."""

import copy
import re

import pytest

from ostiary.changes.checks import check_configuration
from ostiary.changes.configuration import parse_configuration
from ostiary.guard.verdicts.api import CONFIRM, END, ROLLBACK
from ostiary.kernel.settings import parse_document
from tests.unit.guard.verdicts.crd_fields import ANALYSIS_TEMPLATE, CANARY, ROLLOUT, errors
from tests.unit.guard.verdicts.manifests import documents, one

KINDS = {"AnalysisTemplate": ANALYSIS_TEMPLATE, "Rollout": ROLLOUT, "Canary": CANARY}
CUSTOM = [
    pytest.param(each, id=f"{each['kind']}-{each['metadata']['name']}")
    for name in ("argo.yaml", "flagger.yaml")
    for each in documents(name)
]
HOOK_OF_TYPE = {
    "rollback": ROLLBACK,
    "confirm-traffic-increase": CONFIRM,
    "confirm-promotion": CONFIRM,
    "post-rollout": END,
}


def settings():
    text = one("service.yaml", "ConfigMap", "ostiary-verdicts")["data"]["ostiary.toml"]
    configuration = parse_configuration(parse_document(text, file="ostiary.toml"))
    assert check_configuration(configuration) == ()
    assert configuration.guard.verdicts is not None
    return configuration.guard.verdicts


@pytest.mark.parametrize("document", CUSTOM)
def test_every_field_exists_and_has_its_type(document):
    assert list(errors(document, KINDS[document["kind"]])) == []


def test_a_misspelt_limit_would_be_found():
    template = copy.deepcopy(one("argo.yaml", "AnalysisTemplate", "ostiary-stop"))
    (metric,) = template["spec"]["metrics"]
    metric["consecutiveErrorsLimit"] = metric.pop("consecutiveErrorLimit")
    metric["provider"]["web"]["timeoutSeconds"] = "5"
    assert list(errors(template, ANALYSIS_TEMPLATE)) == [
        ".spec.metrics[0].provider.web.timeoutSeconds is '5'",
        ".spec.metrics[0].consecutiveErrorsLimit does not exist",
    ]


def test_templates_that_a_rollout_names_are_there_with_all_their_arguments():
    canary = one("argo.yaml", "Rollout", "login")["spec"]["strategy"]["canary"]
    analyses = [
        canary["analysis"],
        *(each["analysis"] for each in canary["steps"][1::2] if "analysis" in each),
    ]
    for analysis in analyses:
        (named,) = analysis["templates"]
        template = one("argo.yaml", "AnalysisTemplate", named["templateName"])
        open_arguments = {
            each["name"] for each in template["spec"]["args"] if "valueFrom" not in each
        }
        assert open_arguments == {each["name"] for each in analysis["args"]}
    assert "analysis" in canary["steps"][-1], "nothing is promoted without a last `go`"


def test_every_address_is_that_of_the_service_and_of_a_rollout_that_it_knows():
    port = one("service.yaml", "Service", "ostiary-verdicts")["spec"]["ports"][0]["port"]
    verdicts = settings()
    assert verdicts.listen == f"0.0.0.0:{port}"
    text = "\n".join(str(each) for each in (*documents("argo.yaml"), *documents("flagger.yaml")))
    urls = re.findall(r"http://[^'\"]+", text)
    known = "|".join(verdicts.rollouts)
    shape = rf"http://ostiary-verdicts\.login\.svc:{port}/verdicts/({known})(/flagger/\w+)?"
    assert len(urls) == 6
    assert [url for url in urls if not re.fullmatch(shape, url)] == []


def test_every_hook_of_flagger_is_sent_to_the_one_that_is_meant_for_it():
    hooks = one("flagger.yaml", "Canary", "login")["spec"]["analysis"]["webhooks"]
    assert {each["type"]: each["url"].rpartition("/")[2] for each in hooks} == HOOK_OF_TYPE


def test_the_deployment_runs_one_process_that_can_write_and_is_probed():
    spec = one("service.yaml", "Deployment", "ostiary-verdicts")["spec"]
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    (container,) = spec["template"]["spec"]["containers"]
    assert container["command"][:3] == ["ostiary", "verdict", "serve"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/healthz"
    mounts = {each["mountPath"]: each["name"] for each in container["volumeMounts"]}
    volumes = {each["name"] for each in spec["template"]["spec"]["volumes"]}
    assert set(mounts.values()) == volumes
    assert container["command"][-1].startswith("/data/")
    assert "persistentVolumeClaim" in next(
        each for each in spec["template"]["spec"]["volumes"] if each["name"] == mounts["/data"]
    )

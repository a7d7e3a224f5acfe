"""The fields that the sample manifests use, as the makers of their kinds document them.

Written by hand after the Go types of argoproj/argo-rollouts (`pkg/apis/rollouts/v1alpha1`) and the
CRD of fluxcd/flagger (`artifacts/flagger/crd.yaml`), both Apache-2.0, and the Kubernetes API
reference; nothing of them is copied. A field that is not here is refused, while a cluster would
drop it without a word: that is how a misspelt limit would come to nothing.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """An object of these fields; those in `required` have to be there."""

    fields: Mapping[str, Any]
    required: tuple[str, ...] = ()


@dataclass(frozen=True)
class ListOf:
    """A list of at least one value."""

    value: Any


@dataclass(frozen=True)
class MapOf:
    """An object of free names."""

    value: Any


@dataclass(frozen=True)
class OneOf:
    """A text out of a closed list."""

    words: tuple[str, ...]


def errors(value: Any, wanted: Any, where: str = "") -> Iterator[str]:
    """Yield every place at which a value is not as it has to be."""
    if isinstance(wanted, Table):
        yield from _table_errors(value, wanted, where)
    elif isinstance(wanted, ListOf):
        if not isinstance(value, list) or not value:
            yield f"{where} is no list, or an empty one"
        else:
            for position, each in enumerate(value):
                yield from errors(each, wanted.value, f"{where}[{position}]")
    elif isinstance(wanted, MapOf):
        for name, each in value.items():
            yield from errors(each, wanted.value, f"{where}.{name}")
    elif isinstance(wanted, OneOf):
        if value not in wanted.words:
            yield f"{where} is {value!r}"
    elif wanted is not ANYTHING and type(value) is not wanted:
        yield f"{where} is {value!r}"


def _table_errors(value: Any, wanted: Table, where: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{where} is no object"
        return
    yield from (f"{where}.{name} is missing" for name in wanted.required if name not in value)
    for name, each in value.items():
        if name not in wanted.fields:
            yield f"{where}.{name} does not exist"
        else:
            yield from errors(each, wanted.fields[name], f"{where}.{name}")


ANYTHING = object()
METADATA = Table({"name": str, "namespace": str}, ("name", "namespace"))
REFERENCE = Table({"apiVersion": str, "kind": str, "name": str}, ("apiVersion", "kind", "name"))


def whole(api_version: str, kind: str, spec: Any) -> Table:
    """Return what an object of a custom kind has to be."""
    known = {"apiVersion": OneOf((api_version,)), "kind": OneOf((kind,)), "metadata": METADATA}
    return Table({**known, "spec": spec}, ("apiVersion", "kind", "metadata", "spec"))


_WEB = Table(
    {
        "method": OneOf(("GET", "POST", "PUT")),
        "url": str,
        "headers": ListOf(Table({"key": str, "value": str}, ("key", "value"))),
        "timeoutSeconds": int,
        "jsonPath": str,
        "insecure": bool,
        "jsonBody": MapOf(ANYTHING),
        "body": str,
    },
    ("url",),
)
_METRIC = Table(
    {
        "name": str,
        "interval": str,
        "initialDelay": str,
        "count": int,
        "successCondition": str,
        "failureCondition": str,
        "failureLimit": int,
        "inconclusiveLimit": int,
        "consecutiveErrorLimit": int,
        "consecutiveSuccessLimit": int,
        "provider": Table({"web": _WEB}, ("web",)),
    },
    ("name", "provider"),
)
_SECRET_KEY = Table({"name": str, "key": str}, ("name", "key"))
ANALYSIS_TEMPLATE = whole(
    "argoproj.io/v1alpha1",
    "AnalysisTemplate",
    Table(
        {
            "args": ListOf(
                Table(
                    {"name": str, "value": str, "valueFrom": Table({"secretKeyRef": _SECRET_KEY})},
                    ("name",),
                )
            ),
            "metrics": ListOf(_METRIC),
        },
        ("metrics",),
    ),
)
_ANALYSIS = {
    "templates": ListOf(Table({"templateName": str, "clusterScope": bool}, ("templateName",))),
    "args": ListOf(
        Table(
            {
                "name": str,
                "value": str,
                "valueFrom": Table({"podTemplateHashValue": OneOf(("Latest", "Stable"))}),
            },
            ("name",),
        )
    ),
}
_STEP = Table(
    {
        "setWeight": int,
        "pause": Table({"duration": str}),
        "analysis": Table(_ANALYSIS, ("templates",)),
    }
)
_CANARY_STRATEGY = Table(
    {
        "stableService": str,
        "canaryService": str,
        "analysis": Table({**_ANALYSIS, "startingStep": int}, ("templates",)),
        "steps": ListOf(_STEP),
    },
    ("stableService", "canaryService", "steps"),
)
ROLLOUT = whole(
    "argoproj.io/v1alpha1",
    "Rollout",
    Table(
        {
            "replicas": int,
            "selector": Table({"matchLabels": MapOf(str)}),
            "workloadRef": REFERENCE,
            "progressDeadlineSeconds": int,
            "strategy": Table({"canary": _CANARY_STRATEGY}, ("canary",)),
        },
        ("selector", "workloadRef", "strategy"),
    ),
)
_HOOKS = (
    "confirm-rollout",
    "pre-rollout",
    "rollout",
    "confirm-traffic-increase",
    "confirm-promotion",
    "post-rollout",
    "event",
    "rollback",
)
_WEBHOOK = Table(
    {"name": str, "type": OneOf(_HOOKS), "url": str, "timeout": str, "metadata": MapOf(str)},
    ("name", "type", "url"),
)
CANARY = whole(
    "flagger.app/v1beta1",
    "Canary",
    Table(
        {
            "provider": str,
            "targetRef": REFERENCE,
            "progressDeadlineSeconds": int,
            "service": Table({"port": int, "targetPort": int}, ("port",)),
            "analysis": Table(
                {
                    "interval": str,
                    "threshold": int,
                    "maxWeight": int,
                    "stepWeight": int,
                    "webhooks": ListOf(_WEBHOOK),
                },
                ("interval", "threshold"),
            ),
        },
        ("targetRef", "service", "analysis"),
    ),
)

"""The sample manifests, read."""

from typing import Any

import yaml

from tests.tidy.repository import ROOT

DEPLOY = ROOT / "deploy" / "verdicts"


def documents(name: str) -> list[dict[str, Any]]:
    """Return the objects of a file of manifests."""
    return list(yaml.safe_load_all((DEPLOY / name).read_text()))


def one(name: str, kind: str, called: str) -> dict[str, Any]:
    """Return the object of this kind and name."""
    (found,) = (
        each
        for each in documents(name)
        if each["kind"] == kind and each["metadata"]["name"] == called
    )
    return found

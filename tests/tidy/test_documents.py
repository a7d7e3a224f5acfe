"""What is built is documented, and the documents hold together."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.tidy import markdown
from tests.tidy.repository import ROOT, SOURCE, files_ending, read

DECISIONS = "docs/decisions"
RECORD_HEADINGS = ["Context", "Decision", "Seen or measured", "Alternatives"]


def documents() -> list[str]:
    return list(files_ending(".md"))


def records() -> list[str]:
    found = [name for name in documents() if name.startswith(f"{DECISIONS}/")]
    return [name for name in found if not name.endswith("/README.md")]


def broken_links(name: str) -> list[str]:
    """Return the links of a document that lead to no file or to no heading."""
    broken = []
    for target in markdown.links(read(name)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / name).parent / path if path else ROOT / name
        if not file.exists() or (anchor and anchor not in markdown.anchors(file.read_text())):
            broken.append(target)
    return broken


@pytest.mark.parametrize("name", documents())
def test_links_lead_somewhere(name: str) -> None:
    assert broken_links(name) == []


def test_every_document_is_listed_in_the_index() -> None:
    linked = set(markdown.links(read("docs/README.md")))
    pages = [Path(n).name for n in documents() if Path(n).parent == Path("docs")]
    assert [page for page in pages if page != "README.md" and page not in linked] == []


def test_the_layout_table_names_the_slices_that_exist_and_no_others() -> None:
    layout = markdown.section(read("CONTRIBUTING.md"), "Layout")
    listed = [cell.strip("`") for cell in markdown.first_column(layout)]
    existing = [path.parent.name for path in SOURCE.glob("*/__init__.py")]
    assert sorted(listed) == sorted(existing)


def test_the_layout_table_runs_in_the_order_of_the_import_contract() -> None:
    layout = markdown.section(read("CONTRIBUTING.md"), "Layout")
    listed = [cell.strip("`") for cell in markdown.first_column(layout)]
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = next(c["layers"] for c in contracts if c["type"] == "layers")
    ordered = [name.strip().rpartition(".")[2] for layer in layers for name in layer.split("|")]
    assert listed == ordered


def test_the_page_that_follows_a_request_names_code_that_exists() -> None:
    table = markdown.section(read("docs/flow-of-a-request.md"), "Where that is in the code")
    places = re.findall(r"`([^`]+)`", table)
    assert places
    assert [place for place in places if not (SOURCE / place).exists()] == []


@pytest.mark.parametrize("name", records())
def test_a_decision_record_is_dated_and_complete(name: str) -> None:
    text = read(name)
    assert re.search(r"^Date: \d{4}-\d{2}(-\d{2})?$", text, re.MULTILINE)
    assert [h for h in RECORD_HEADINGS if h not in markdown.headings(text)] == []


def test_every_decision_record_is_listed() -> None:
    linked = set(markdown.links(read(f"{DECISIONS}/README.md")))
    assert [name for name in records() if Path(name).name not in linked] == []


def test_every_dependency_has_its_decision() -> None:
    project = tomllib.loads(read("pyproject.toml"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = project["project"]["dependencies"] + project["dependency-groups"]["dev"]
    wanted += [requirement for extra in extras for requirement in extra]
    names = {re.split(r"[\[<>=~!; ]", requirement)[0] for requirement in wanted}
    packages = re.compile(r"^Packages: (.+)$", re.MULTILINE)
    lines = [line for name in records() for line in packages.findall(read(name))]
    recorded = {package for line in lines for package in re.findall(r"`([^`]+)`", line)}
    npm = {"openid-client", "oidc-provider", "ioredis"}
    assert recorded - npm == names


def test_the_changelog_says_what_is_not_released_yet() -> None:
    changelog = read("CHANGELOG.md")
    unreleased = markdown.section(changelog, "[Unreleased]")
    kinds = re.findall(r"^### (\w+)$", unreleased, re.MULTILINE)
    assert kinds
    assert set(kinds) <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}

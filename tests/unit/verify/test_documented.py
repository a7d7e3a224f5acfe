"""What `docs/verify.md` shows runs as it stands there, and its table of options is complete."""

import json
import re
from dataclasses import MISSING, fields
from typing import Any

import httpx
import pytest

from ostiary.verify import Options
from ostiary.verify.clock import SystemClock
from ostiary.verify.keys.fetching import Document, Fetcher
from tests.tidy import markdown
from tests.tidy.repository import read
from tests.unit.verify.frameworks.expectations import asking_asgi
from tests.unit.verify.issuer import NOW, Issuer

PAGE = "docs/verify.md"


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    """The issuer that the page speaks of; its time is the machine's."""
    issuer = Issuer("https://login.example.com")

    def fetch(_: Fetcher, url: str) -> Document:
        return Document(issuer.answer(httpx.Request("GET", url)).content, None)

    monkeypatch.setattr(Fetcher, "fetch", fetch)
    monkeypatch.setattr(SystemClock, "unix", lambda _: NOW)
    return issuer


def example(heading: str) -> dict[str, Any]:
    """Run the Python of a section, and return its names."""
    blocks = re.findall(r"```python\n(.*?)```", markdown.section(read(PAGE), heading), re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(blocks[0], PAGE, "exec"), names)
    return names


def bearer(issuer: Issuer, **claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {issuer.token(aud='https://api.example.com', **claims)}"}


def test_the_example_for_starlette(issuer: Issuer) -> None:
    names = example("Starlette")
    ask = asking_asgi(names["app"])
    status, _, body = ask("/orders", bearer(issuer))
    assert (status, json.loads(body)) == (200, {"for": "u-ada"})
    assert ask("/reports", bearer(issuer))[0] == 403
    assert ask("/reports", bearer(issuer, roles=["owner"]))[0] == 200
    names["verifier"].close()


def test_the_example_for_fastapi(issuer: Issuer) -> None:
    names = example("FastAPI")
    ask = asking_asgi(names["app"])
    assert json.loads(ask("/orders", bearer(issuer))[2]) == {"for": "u-ada"}
    assert json.loads(ask("/me", bearer(issuer))[2]) == {"subject": "u-ada"}
    assert ask("/orders", bearer(issuer, scope=""))[0] == 403
    assert ask("/openapi.json", {})[0] == 200
    names["verifier"].close()


def test_the_example_for_flask(issuer: Issuer) -> None:
    names = example("Flask")
    client = names["app"].test_client()
    assert client.get("/orders", headers=bearer(issuer)).json == {"for": "u-ada"}
    assert client.get("/orders").status_code == 401
    names["verifier"].close()


def test_the_example_without_a_framework(
    issuer: Issuer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    block = re.findall(
        r"```python\n(.*?)```", markdown.section(read(PAGE), "Anything else"), re.DOTALL
    )[0]
    good = issuer.token(aud="https://api.example.com")
    for token, told in ((good, ""), ("x", "401 The access token cannot be read.\n")):
        names: dict[str, Any] = {"token": token}
        exec(compile(block, PAGE, "exec"), names)
        names["verifier"].close()
        assert capsys.readouterr().out == told


def test_every_option_is_documented_with_its_default() -> None:
    table = markdown.section(read(PAGE), "Options")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*?) ?\|", table, re.MULTILINE))
    assert list(rows) == [each.name for each in fields(Options)]
    for each in fields(Options):
        if isinstance(each.default, bool | int | float):
            assert rows[each.name] == str(each.default).lower()
        elif isinstance(each.default, tuple):
            assert rows[each.name] == ", ".join(each.default)
        elif each.default is MISSING:
            assert rows[each.name] == ""

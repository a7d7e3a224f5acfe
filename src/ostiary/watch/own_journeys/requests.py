"""What a step sends, with its inserts filled."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from ostiary.watch.own_journeys.settings import StepSettings
from ostiary.watch.own_journeys.values import NoValueError, Values


@dataclass(frozen=True, slots=True)
class Sent:
    """One request: a location of the issuer, lower-case headers, and a body or none."""

    method: str
    location: str
    headers: Mapping[str, str]
    content: bytes | None


def request_of(step: StepSettings, values: Values) -> Sent:
    """Return the request of a step; raises `NoValueError` where it cannot be filled."""
    headers = {name.lower(): _line(values.fill(text)) for name, text in step.headers.items()}
    if step.basic is not None:
        user, password = values.fill(step.basic.user), values.fill(step.basic.password)
        # RFC 7617, section 2.
        pair = base64.b64encode(f"{user}:{password}".encode()).decode()
        values.redactor.add(pair)
        headers["authorization"] = f"Basic {pair}"
    content, kind = _body(step, values)
    if kind:
        headers.setdefault("content-type", kind)
    return Sent(step.method, _location(step, values), headers, content)


def _location(step: StepSettings, values: Values) -> str:
    location = _line(values.fill(step.path))
    if not step.query:
        return location
    joint = "&" if urlsplit(location).query else "?"
    return f"{location}{joint}{urlencode(values.fill_all(step.query))}"


def _body(step: StepSettings, values: Values) -> tuple[bytes | None, str]:
    """Return the body and its type; there is at most one of the three."""
    if step.form:
        return urlencode(values.fill_all(step.form)).encode(), "application/x-www-form-urlencoded"
    if step.json_body:
        return json.dumps(values.fill_json(step.json_body)).encode(), "application/json"
    if step.text_body:
        return values.fill(step.text_body).encode(), "text/plain; charset=utf-8"
    return None, ""


def _line(text: str) -> str:
    """Return a text for the head of a request, in which a line end would begin something else."""
    if not text.isprintable() or not text.isascii():
        raise NoValueError("a value in the path or a header has characters that cannot stand there")
    return text

"""One answer of the service, with the means to say what was wrong with it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from urllib.parse import parse_qs, urlsplit

import httpx

from ostiary.kernel import outcomes
from ostiary.kernel.outcomes import Outcome, OutcomeClass
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError

_SERVER_ERROR = 500
_CLIENT_ERROR = 400
_WORD_LENGTH_MAX = 80


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back for one step: never a secret in its text, whatever the body holds.

    `url` is the public URL that was asked, without its query; `asked` has it, for a form that is
    sent to the page's own address. `named` is the request id that the asker gave; empty where only
    the answer tells one.
    """

    step: str
    method: str
    url: str
    stratum: str
    target: str
    status: int
    headers: httpx.Headers
    body: bytes
    named: str = ""
    asked: str = field(default="", repr=False)

    @property
    def text(self) -> str:
        """Return the body as text; bytes that are no UTF-8 are replaced."""
        return self.body.decode(errors="replace")

    @property
    def location(self) -> str:
        """Return where a redirect leads, or an empty text."""
        return str(self.headers.get("location", ""))

    @property
    def is_redirect(self) -> bool:
        """Return whether the browser is sent elsewhere."""
        return self.status in {301, 302, 303, 307, 308} and bool(self.location)

    @property
    def request_id(self) -> str:
        """Return the id by which logs and edge know this request; empty where none was told."""
        return self.named or _word(self.headers.get(outcomes.REQUEST_ID_HEADER, ""))

    @property
    def snapshot(self) -> str:
        """Return the snapshot named in the outcome header; empty behind the edge."""
        return _word(self.headers.get(outcomes.OUTCOME_HEADER, "").partition("/")[0])

    @property
    def outcome(self) -> Outcome | None:
        """Return the outcome that the service named; None where it named none."""
        header = self.headers.get(outcomes.OUTCOME_HEADER)
        return None if header is None else outcomes.parse(header.partition("/")[2])

    @property
    def outcome_is_no_fault(self) -> bool:
        """Return whether the service did not call its own answer a server fault."""
        outcome = self.outcome
        return outcome is None or outcomes.classify(outcome) is not OutcomeClass.FAULT

    def query(self) -> dict[str, str]:
        """Return the parameters of the redirect's address; the last one wins."""
        try:
            query = urlsplit(self.location).query
        except ValueError:
            return {}
        return {name: values[-1] for name, values in parse_qs(query).items()}

    def json(self) -> Mapping[str, object]:
        """Return the JSON object in the body; fails the step where there is none."""
        value = self._json_object()
        if value is None:
            self.fail("a JSON object", kind=FailureKind.WRONG_CONTENT)
        return value

    def error(self) -> str:
        """Return the OAuth error word (RFC 6749, sections 4.1.2.1 and 5.2), or an empty text."""
        if self.is_redirect:
            return _word(self.query().get("error", ""))
        value = self._json_object() or {}
        return _word(str(value.get("error", "")))

    def describe(self) -> str:
        """Return what came in a few words, without anything that could be a secret."""
        parts = [f"HTTP {self.status}"]
        if self.is_redirect:
            parts.append(f"to {_bare(self.location)}")
        if self.outcome is not None:
            parts.append(f"outcome {self.outcome.value}")
        if self.error():
            parts.append(f"error {self.error()}")
        return ", ".join(parts)

    def require(
        self, condition: bool, expected: str, *, got: str = "", kind: FailureKind | None = None
    ) -> None:
        """Fail the step with `expected` unless the condition holds."""
        if not condition:
            self.fail(expected, got=got, kind=kind)

    def require_class(self, wanted: OutcomeClass) -> None:
        """Fail the step where the service named an outcome of another class than wanted."""
        if self.outcome is None:
            return
        allowed = {wanted}
        if wanted is OutcomeClass.OK:
            allowed.add(OutcomeClass.PROTOCOL)
        self.require(
            outcomes.classify(self.outcome) in allowed,
            f"an outcome of class {wanted.value}",
            kind=FailureKind.WRONG_CONTENT,
        )

    def require_not_kept(self) -> None:
        """Fail the step where caches may keep the answer (RFC 6749, section 5.1)."""
        told = self.headers.get("cache-control", "")
        self.require(
            "no-store" in told.lower(),
            "Cache-Control: no-store",
            got=f"Cache-Control: {_word(told)}" if told else "no Cache-Control",
            kind=FailureKind.WRONG_CONTENT,
        )

    def fail(self, expected: str, *, got: str = "", kind: FailureKind | None = None) -> NoReturn:
        """Raise `StepFailedError`; the defaults are `describe()` and what the status says."""
        raise StepFailedError(
            step=self.step,
            kind=self._kind() if kind is None else kind,
            expected=expected,
            got=got or self.describe(),
            stratum=self.stratum,
            target=self.target,
            request_id=self.request_id,
        )

    def _kind(self) -> FailureKind:
        if self.status >= _SERVER_ERROR:
            return FailureKind.FAULT
        if not self.outcome_is_no_fault:
            return FailureKind.FAULT
        if self.error() in {"server_error", "temporarily_unavailable"}:
            return FailureKind.FAULT
        if self.status >= _CLIENT_ERROR or self.error():
            return FailureKind.REFUSED
        return FailureKind.WRONG_CONTENT

    def _json_object(self) -> dict[str, object] | None:
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


def _bare(location: str) -> str:
    """Return a location without its query: a code or a state stands there."""
    return location.partition("?")[0].partition("#")[0][:_WORD_LENGTH_MAX]


def _word(text: str) -> str:
    """Return a short printable text; what a server writes there is not trusted."""
    return "".join(character for character in text if character.isprintable())[:_WORD_LENGTH_MAX]

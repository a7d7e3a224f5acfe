"""Answers in a form that can be compared: what is drawn by chance masked, the rest as it came."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx

from ostiary.drills.mutants.body_form import parts_of
from ostiary.kernel.outcomes import Outcome
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import StepFailedError
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire

_DIFFERS_BY_ITSELF: Final = frozenset({"content-length", "date", "x-request-id", "x-auth-outcome"})
_DRAWN = re.compile(
    r"[\w.+-]+@[\w.-]+\.invalid|[A-Za-z0-9_~.-]{20,}|\bs-[0-9a-f]{12}\b|\b\d{9,}\b|\b\d{4}-\d\d-\d\d\b|\b\d\d:\d\d(:\d\d)?\b"
)
"""Addresses, tokens, ids, snapshots and moments: they differ from request to request."""

_OF_COOKIE = re.compile(r"^([^=]+)=[^;]*")
_OF_THE_MOMENT: Final = frozenset({Outcome.RATE_LIMITED.value, Outcome.OVERLOADED.value})


WORDS: Final = "words"
"""The part of an answer that only people read."""

View = Mapping[str, str]
"""One answer in parts that can be compared; what is drawn by chance is masked."""

Views = dict[str, View]
"""The answers of one look by their requests."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What is different: for clients, in `seen`, and in nothing but words, in `worded`."""

    seen: tuple[str, ...] = ()
    worded: tuple[str, ...] = ()


def compared(first: Views, again: Views, new: Views) -> Differences:
    """Return a line for each request that is answered in another way in the `new` look.

    `first` and `again` are looks at the same replica; what differs between them says nothing.
    """
    found: dict[bool, list[str]] = {True: [], False: []}
    if was_busy(new):
        # What was not answered, or not asked for after that, is nobody's fault.
        new = {name: new.get(name, view) for name, view in first.items()}
    for name, view in first.items():
        other = new.get(name, {})
        passing = {view.get("outcome"), other.get("outcome")} & _OF_THE_MOMENT
        if view == again.get(name) and view != other and not passing:
            parts = [part for part in {**view, **other} if view.get(part) != other.get(part)]
            found[parts == [WORDS]].append(f"{name}: {_differing(parts, view, other)}")
    return Differences(tuple(found[False]), tuple(found[True]))


def was_busy(views: Views) -> bool:
    """Return whether an answer said that too much was asked for at that moment."""
    return any(view.get("outcome") in _OF_THE_MOMENT for view in views.values())


@dataclass
class _Views:
    """Answers by the request that they belong to, and by how often it was sent before."""

    seen: Views = field(default_factory=dict)

    def add(self, name: str, view: View) -> None:
        number = sum(1 for each in self.seen if each.partition(" (")[0] == name)
        self.seen[name if number == 0 else f"{name} ({number + 1})"] = view


class RecordingWire(Wire):
    """A way to a replica that remembers what every answer looked like."""

    def __init__(self, target: Target, transport: httpx.AsyncBaseTransport) -> None:
        super().__init__(target, transport, seconds_max=5.0)
        self._views = _Views()

    @property
    def views(self) -> Views:
        """Return what was seen, by request."""
        return self._views.seen

    async def send(
        self,
        step: str,
        method: str,
        location: str,
        *,
        headers: Mapping[str, str] | None = None,
        form: object = None,
        content: bytes | None = None,
    ) -> Answer:
        """Send as any wire does. Raises `StepFailedError`."""
        name = f"{method} {_masked(location.partition('?')[0])}"
        try:
            answer = await super().send(
                step,
                method,
                location,
                headers=headers,
                form=form,  # type: ignore[arg-type]
                content=content,
            )
        except StepFailedError as error:
            self._views.add(name, {"answer": f"none: {error.got}"})
            raise
        self._views.add(name, _view(answer))
        return answer


def _view(answer: Answer) -> View:
    headers = {
        f"header {name}": _masked(_OF_COOKIE.sub(r"\1=", value) if name == "set-cookie" else value)
        for name, value in sorted(answer.headers.multi_items())
        if name not in _DIFFERS_BY_ITSELF
    }
    outcome = answer.outcome
    form, words = parts_of(answer.text)
    return {
        "status": str(answer.status),
        "outcome": "" if outcome is None else outcome.value,
        "form": _masked(form),
        WORDS: _masked(words),
        **headers,
    }


def _masked(text: str) -> str:
    return _DRAWN.sub("…", text)


def _differing(parts: Sequence[str], before: View, after: View) -> str:
    words = []
    shown = [part for part in parts if part != WORDS] or [WORDS]
    for name in shown[:3]:
        old, new = before.get(name, "nothing"), after.get(name, "nothing")
        at = next((n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), 0)
        begin = max(0, at - 20)
        words.append(f"{name} {new[begin : at + 40]!r} instead of {old[begin : at + 40]!r}")
    return "; ".join(words)

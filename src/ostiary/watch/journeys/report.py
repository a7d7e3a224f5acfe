"""What journeys found, as rehearsal, evidence and people need it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ostiary.kernel.request_kinds import KINDS, class_of, stratum_name
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError

_HIDEABLE = frozenset(
    {FailureKind.TIMEOUT, FailureKind.NO_ANSWER, FailureKind.FAULT, FailureKind.REFUSED}
)
_RELIED_ON = frozenset(
    {"token.authorization_code", "token.refresh_token", "userinfo", "introspect"}
)


@dataclass(frozen=True, slots=True)
class JourneyFailure:
    """One step that went wrong. `request_id` is empty where the answer named none."""

    journey: str
    step: str
    expected: str
    got: str
    request_id: str
    target: str
    stratum: str
    kind: FailureKind

    @classmethod
    def of(cls, journey: str, error: StepFailedError) -> "JourneyFailure":
        """Return the failure that an error of a step means for its journey."""
        return cls(
            journey=journey,
            step=error.step,
            expected=error.expected,
            got=error.got,
            request_id=error.request_id,
            target=error.target,
            stratum=error.stratum,
            kind=error.kind,
        )

    @property
    def is_hideable(self) -> bool:
        """Return whether a second opinion hides such a failure from users."""
        return self.kind in _HIDEABLE

    def __str__(self) -> str:
        """Return one line for people."""
        request = f", request {self.request_id}" if self.request_id else ""
        return (
            f"{self.journey}, step {self.step}: expected {self.expected}, "
            f"got {self.got} ({self.target}{request})"
        )


@dataclass(frozen=True, slots=True)
class JourneyReport:
    """The result of one run of journeys; `seconds` is how long it took.

    A stratum has passed when a journey that must succeed went through it and no journey of any
    kind failed in it. What failed in a kind has failed in its class, and what failed in a class, in
    all its kinds. A stratum in neither set was not tried. `set_aside` is what last good did wrong,
    as it had before.
    """

    failures: tuple[JourneyFailure, ...]
    strata_passed: frozenset[str]
    strata_failed: frozenset[str]
    seconds: float
    journeys: int
    set_aside: tuple[JourneyFailure, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether there was anything to pass, and all of it did."""
        return self.journeys > 0 and not self.failures

    @property
    def hideable(self) -> bool:
        """Return whether a second opinion hides from users all that failed.

        It hides failures and refusals; it cannot hide wrong content or a wrong *yes*.
        """
        return all(failure.is_hideable for failure in self.failures)

    @property
    def verified(self) -> bool:
        """Return whether a whole journey saw that the answers which users rely on are right."""
        return self.strata_passed >= _RELIED_ON

    @classmethod
    def not_begun(cls, failure: JourneyFailure) -> "JourneyReport":
        """Return the report of a run that failed before its first journey."""
        return cls((failure,), frozenset(), failed_strata([failure]), 0.0, 1)

    def lasting(self, seconds: float) -> "JourneyReport":
        """Return the report with the time of the whole run, preparations included."""
        return replace(self, seconds=seconds)


def failed_strata(failures: Iterable[JourneyFailure]) -> frozenset[str]:
    """Return the strata in which something failed."""
    failed = {failure.stratum for failure in failures}
    kinds = {
        stratum_name(route_class, kind)
        for route_class in failed & KINDS.keys()
        for kind in KINDS[route_class]
    }
    return frozenset(failed | kinds | {class_of(stratum) for stratum in failed})


def combine(reports: Iterable[JourneyReport]) -> JourneyReport:
    """Return one report of several that ran one after another."""
    parts = list(reports)
    failed = frozenset[str]().union(*(part.strata_failed for part in parts))
    passed = frozenset[str]().union(*(part.strata_passed for part in parts))
    return JourneyReport(
        failures=tuple(failure for part in parts for failure in part.failures),
        strata_passed=passed - failed,
        strata_failed=failed,
        seconds=sum(part.seconds for part in parts),
        journeys=sum(part.journeys for part in parts),
        set_aside=tuple(failure for part in parts for failure in part.set_aside),
    )

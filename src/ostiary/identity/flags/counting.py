"""Counting evaluations, and saying once what goes wrong with a flag."""

import structlog
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagValueType
from openfeature.hook import Hook, HookContext, HookHints
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.registry import Collector

_LOG = structlog.get_logger("ostiary.identity.flags")
_NOT_SET = "other"
_SAID_MAX = 1000


class FlagCounts(Hook):
    """Looks at every evaluation through the SDK, whoever asks. Never raises."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._evaluations = Counter(
            "ostiary_identity_flag_evaluations",
            "Evaluations of feature flags by variant and reason.",
            ("flag", "variant", "reason"),
            registry=self._registry,
        )
        self._errors = Counter(
            "ostiary_identity_flag_errors",
            "Evaluations of feature flags that ended with the caller's default.",
            ("flag", "code"),
            registry=self._registry,
        )
        self._said: set[tuple[str, str]] = set()

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """Return what a replica's metrics tell of flags."""
        return (self._evaluations, self._errors)

    def finally_after(
        self,
        hook_context: HookContext,
        details: FlagEvaluationDetails[FlagValueType],
        hints: HookHints,  # noqa: ARG002 - the SDK's signature
    ) -> None:
        """Count one evaluation; log the first error of its kind."""
        if details.error_code is None:
            self._evaluations.labels(
                hook_context.flag_key, details.variant or "", str(details.reason)
            ).inc()
            return
        self.failed(hook_context.flag_key, details.error_code, details.error_message or "")

    def failed(self, flag: str, code: ErrorCode, message: str) -> None:
        """Count an evaluation that failed; log it unless the same was logged before."""
        # A name that is in no settings may come from anywhere, and must not make series.
        name = _NOT_SET if code is ErrorCode.FLAG_NOT_FOUND else flag
        self._errors.labels(name, code.value).inc()
        said = (flag[:100], code.value)
        if said not in self._said and len(self._said) < _SAID_MAX:
            self._said.add(said)
            _LOG.warning("flag not evaluated", flag=flag[:100], code=code.value, message=message)

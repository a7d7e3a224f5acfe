"""Flagger as far as webhooks reach: a model of its published contract.

Sources, read in fluxcd/flagger: `pkg/controller/webhook.go` (a status of up to 202 is success, an
error or no answer within the timeout is not), `scheduler_hooks.go` (which hook does what) and
`scheduler.go`, `advanceCanary` (their order: rollback hooks first, then the limit of failed checks,
then the analysis, then the confirmation of more traffic; at the greatest weight that of promotion).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Call = Callable[[Mapping[str, Any], Mapping[str, Any]], int | None]
"""Sends a webhook with its payload; returns the status, None where no answer came."""

HIGHEST_SUCCESS = 202


@dataclass
class Canary:
    """One Canary whose deployment has changed and whose pods are ready."""

    spec: Mapping[str, Any]
    checksum: str
    call: Call
    phase: str = "Progressing"
    weight: int = 0
    failed_checks: int = 0

    def advance(self) -> str:
        """Do what Flagger does at each interval; return the phase after it."""
        if self.phase == "Finalising":
            self.phase = "Succeeded"
            self._passes("post-rollout")
        elif self.phase == "Promoting":
            self.phase, self.weight = "Finalising", 0
        elif self.phase == "Progressing":
            self._progress()
        return self.phase

    def _progress(self) -> None:
        analysis = self.spec["analysis"]
        # One hook that succeeds is enough to go back.
        if (
            any(self._succeeds(hook) for hook in self._hooks("rollback"))
            or self.failed_checks >= analysis["threshold"]
        ):
            self._roll_back()
        elif not self._passes("pre-rollout" if self.weight == 0 else "rollout"):
            self.failed_checks += 1
        elif self.weight < analysis["maxWeight"]:
            if self._passes("confirm-traffic-increase"):
                self.weight = min(self.weight + analysis["stepWeight"], analysis["maxWeight"])
        elif self._passes("confirm-traffic-increase") and self._passes("confirm-promotion"):
            self.phase = "Promoting"

    def _roll_back(self) -> None:
        self.phase, self.weight = "Failed", 0
        self._passes("post-rollout")

    def _hooks(self, kind: str) -> list[Mapping[str, Any]]:
        return [each for each in self.spec["analysis"]["webhooks"] if each["type"] == kind]

    def _passes(self, kind: str) -> bool:
        return all(self._succeeds(hook) for hook in self._hooks(kind))

    def _succeeds(self, hook: Mapping[str, Any]) -> bool:
        payload = {
            "name": "login",
            "namespace": "login",
            "phase": self.phase,
            "checksum": self.checksum,
            "metadata": dict(hook.get("metadata", {})),
        }
        status = self.call(hook, payload)
        return status is not None and status <= HIGHEST_SUCCESS

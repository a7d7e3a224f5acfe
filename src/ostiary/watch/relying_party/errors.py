"""A step that went otherwise than it must, told so that a person can find the answer again."""

from enum import StrEnum


class FailureKind(StrEnum):
    """How a step failed, as the client sees it."""

    TIMEOUT = "timeout"
    NO_ANSWER = "no_answer"
    FAULT = "fault"
    REFUSED = "refused"
    GRANTED = "granted"
    WRONG_CONTENT = "wrong_content"
    WRONG_IDENTITY = "wrong_identity"


class StepFailedError(Exception):
    """One step of a path through the service did not do what it must.

    `expected` and `got` are for people and hold no secret: no password, token, code or cookie.
    `stratum` is the edge's route class of the request, `request_id` is empty where none came.
    """

    def __init__(
        self,
        *,
        step: str,
        kind: FailureKind,
        expected: str,
        got: str,
        stratum: str,
        target: str,
        request_id: str = "",
    ) -> None:
        """Keep the parts apart, so that reports and ledgers can take what they need."""
        super().__init__(f"{step}: expected {expected}, got {got} ({target})")
        self.step = step
        self.kind = kind
        self.expected = expected
        self.got = got
        self.stratum = stratum
        self.target = target
        self.request_id = request_id

"""`POST /ofrep/v1/evaluate/flags` and `/ofrep/v1/evaluate/flags/{key}` (OFREP 0.3).

Only public flags are told. Any other one is not found, like one that does not exist.
"""

import hashlib
import json
from typing import Any

import falcon
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

from ostiary.identity.flags import Flags, Subject
from ostiary.identity.http.app import Router
from ostiary.identity.http.context import context_of
from ostiary.identity.http.problems import ProblemError, store_unavailable
from ostiary.identity.oauth.bearer import BearerRefusedError, read_bearer, write_bearer_refusal
from ostiary.identity.oauth.protocol.replies import (
    allow_any_origin,
    answer_preflight,
    write_oauth_problem,
)
from ostiary.identity.oauth.token_holders import TokenHolders
from ostiary.identity.ofrep.asking import BadEvaluationError, read_context, subject_in
from ostiary.identity.store.engine import StoreUnavailableError
from ostiary.kernel.outcomes import Outcome

BULK_PATH = "/ofrep/v1/evaluate/flags"
SINGLE_PATH = BULK_PATH + "/{key}"

_KEY_SHOWN_MAX = 100
_REMOTE_REASONS = {Reason.STATIC, Reason.TARGETING_MATCH, Reason.SPLIT, Reason.DISABLED}


class Evaluation:
    """What both endpoints do: who asks, for whom, and what an answer looks like."""

    def __init__(self, flags: Flags, holders: TokenHolders) -> None:
        self.flags = flags
        self._holders = holders

    def subject_of(self, request: falcon.Request) -> Subject:
        """Return for whom flags are to be evaluated.

        Raises `BearerRefusedError`, `BadEvaluationError`, `StoreUnavailableError`.
        """
        token = self._holders.verify(read_bearer(request))
        if token.grant_id is None:
            self._holders.require_client(token)
            return subject_in(read_context(request), token)
        account = self._holders.require_account(token)
        # Read all the same: a body that is none must not depend on whose token comes with it.
        read_context(request)
        return Subject(account.id, frozenset(account.roles), token.client_id)

    def describe(self, name: str, subject: Subject) -> tuple[dict[str, Any], bool]:
        """Return a flag's success or failure as the protocol writes it, and which one it is."""
        found = self.flags.resolve(name, subject)
        if found.error_code is not None:
            return _failure(name, found.error_code, found.error_message or ""), False
        # The protocol's list has no word for "targeted, but nobody matched".
        reason = found.reason if found.reason in _REMOTE_REASONS else Reason.UNKNOWN
        answer = {"key": name, "value": found.value, "reason": reason, "variant": found.variant}
        return answer, True

    def guarded(self, request: falcon.Request, response: falcon.Response) -> Subject | None:
        """Return the subject; None where the refusal is written already."""
        allow_any_origin(response)
        response.set_header("access-control-expose-headers", "WWW-Authenticate, ETag")
        response.set_header("cache-control", "no-store")
        try:
            return self.subject_of(request)
        except BearerRefusedError as refused:
            write_bearer_refusal(request, response, refused)
        except StoreUnavailableError as error:
            write_oauth_problem(request, response, store_unavailable(error))
        except ProblemError as problem:
            write_oauth_problem(request, response, problem)
        return None


class SingleResource:
    """Evaluates one flag."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation

    def on_options(self, _request: falcon.Request, response: falcon.Response, key: str) -> None:
        """Tell browsers that scripts may ask here."""
        del key
        answer_preflight(response, "POST")

    def on_post(self, request: falcon.Request, response: falcon.Response, key: str) -> None:
        """Answer one flag, or why not."""
        try:
            subject = self._evaluation.guarded(request, response)
        except BadEvaluationError as bad:
            _refuse(request, response, _failure(key, bad.code, bad.details))
            return
        if subject is None:
            return
        if not self._evaluation.flags.is_public(key):
            code = ErrorCode.FLAG_NOT_FOUND
            _refuse(request, response, _failure(key, code, "There is no such flag."), status=404)
            return
        answer, succeeded = self._evaluation.describe(key, subject)
        if not succeeded:
            _refuse(request, response, answer)
            return
        context_of(request).outcome = Outcome.OK
        response.media = answer


class BulkResource:
    """Evaluates all public flags at once."""

    def __init__(self, evaluation: Evaluation) -> None:
        self._evaluation = evaluation

    def on_options(self, _request: falcon.Request, response: falcon.Response) -> None:
        """Tell browsers that scripts may ask here, and with which headers."""
        answer_preflight(response, "POST")
        allowed = "authorization, content-type, if-none-match"
        response.set_header("access-control-allow-headers", allowed)

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer every public flag; 304 where the asker has the same answer already."""
        try:
            subject = self._evaluation.guarded(request, response)
        except BadEvaluationError as bad:
            _refuse(request, response, {"errorCode": bad.code, "errorDetails": bad.details})
            return
        if subject is None:
            return
        names = self._evaluation.flags.public_names()
        flags = [self._evaluation.describe(name, subject)[0] for name in names]
        content = json.dumps({"flags": flags}).encode()
        tag = hashlib.sha256(content).hexdigest()[:32]
        context_of(request).outcome = Outcome.OK
        response.etag = tag
        # It holds for one subject, and is worth asking about before it is used again.
        response.set_header("cache-control", "private, no-cache")
        if any(known in ("*", tag) for known in request.if_none_match or ()):
            response.status = falcon.HTTP_304
            return
        response.content_type = falcon.MEDIA_JSON
        response.data = content


def mount_ofrep(router: Router, flags: Flags, holders: TokenHolders) -> None:
    """Add the routes."""
    evaluation = Evaluation(flags, holders)
    router.add_route(BULK_PATH, BulkResource(evaluation))
    router.add_route(SINGLE_PATH, SingleResource(evaluation))


def _failure(key: str, code: ErrorCode, details: str) -> dict[str, Any]:
    return {"key": key[:_KEY_SHOWN_MAX], "errorCode": code, "errorDetails": details}


def _refuse(
    request: falcon.Request,
    response: falcon.Response,
    answer: dict[str, Any],
    *,
    status: int = 400,
) -> None:
    not_found = status == 404  # noqa: PLR2004 - HTTP's own number
    context_of(request).outcome = Outcome.NOT_FOUND if not_found else Outcome.INVALID_REQUEST
    response.status = falcon.code_to_http_status(status)
    response.media = answer

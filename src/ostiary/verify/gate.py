"""The decision that the ASGI and the WSGI middleware share: who may come in, and as whom."""

import logging
from collections.abc import Collection, Sequence

from ostiary.verify import answers
from ostiary.verify.answers import Answer
from ostiary.verify.bearer import read_bearer
from ostiary.verify.errors import ConfigurationError, TokenRefusedError, VerifyError
from ostiary.verify.principal import Principal
from ostiary.verify.verifier import Verifier

_logger = logging.getLogger("ostiary.verify")


class Gate:
    """Judges requests by their path and their Authorization headers. It never raises.

    `public` are paths for which nobody has to be known: a path, or with a slash at its end all
    paths below. Without `required`, a request without a token comes in as nobody; one with a bad
    token does not. Raises `ConfigurationError`.
    """

    def __init__(
        self, verifier: Verifier, *, public: Collection[str] = (), required: bool = True
    ) -> None:
        _require_sane(verifier, public)
        self.verifier = verifier
        self._required = required
        self._paths = frozenset(path for path in public if not path.endswith("/") or path == "/")
        self._below = tuple(path for path in public if path.endswith("/") and path != "/")

    def admit(self, path: str, authorization: Sequence[bytes]) -> Principal | Answer | None:
        """Return as whom a request comes in, None for nobody, or the answer that it gets."""
        try:
            token = None if self._is_public(path) else read_bearer(authorization)
            if token is None:
                return self._without_token(path)
            return self.verifier.verify(token)
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not be a 500
            return _answer_to(error)

    async def admit_async(
        self, path: str, authorization: Sequence[bytes]
    ) -> Principal | Answer | None:
        """Do what `admit` does, and let others run where it waits."""
        try:
            token = None if self._is_public(path) else read_bearer(authorization)
            if token is None:
                return self._without_token(path)
            return await self.verifier.verify_async(token)
        except Exception as error:  # noqa: BLE001 - as above
            return _answer_to(error)

    def _without_token(self, path: str) -> Answer | None:
        return answers.no_token() if self._required and not self._is_public(path) else None

    def _is_public(self, path: str) -> bool:
        if path in self._paths:
            return True
        # Who resolves such paths later would find another one below.
        return path.startswith(self._below) and "//" not in path and "/.." not in path


def _require_sane(verifier: object, public: object) -> None:
    if not isinstance(verifier, Verifier):
        raise ConfigurationError(f"verifier must be a Verifier, not a {type(verifier).__name__}.")
    if (
        isinstance(public, str)
        or not isinstance(public, Collection)
        or not all(isinstance(path, str) and path.startswith("/") for path in public)
    ):
        raise ConfigurationError("public must be a list of paths that begin with a slash.")


def _answer_to(error: Exception) -> Answer:
    if isinstance(error, TokenRefusedError):
        _logger.info("An access token was refused: %s", error)
    elif isinstance(error, VerifyError):
        _logger.warning("A request was answered 503: %s", error)
    else:
        # Neither the text of the error nor its arguments: they may hold the token.
        _logger.error(
            "A request was answered 503 because of a bug in ostiary.verify: %s", _place_of(error)
        )
        return answers.unavailable(1)
    return answers.answer_to(error)


def _place_of(error: Exception) -> str:
    """Return what kind of error it is and where it was raised."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return type(error).__name__ + place

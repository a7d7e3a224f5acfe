"""What inserts are filled with during one run of a journey."""

import base64
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ostiary.kernel.ids import Random
from ostiary.watch.journeys.probes import ProbeAccount
from ostiary.watch.own_journeys.redaction import Redactor
from ostiary.watch.own_journeys.templates import TOKEN_INSERT, Insert, parse
from ostiary.watch.secret_files import SecretFileError, read_secret


class NoValueError(Exception):
    """An insert cannot be filled; the message says why. That is no fault of the service tried."""


class Values:
    """The values of one run: captured ones, secrets, and those made for it.

    All but what is random are told to `redactor`, so that no failure shows them.
    """

    def __init__(
        self,
        *,
        rng: Random,
        environment: Mapping[str, str],
        account: ProbeAccount | None,
        access_token: str | None = None,
    ) -> None:
        """Start without captured values.

        `account` is needed where an insert names it, and so is an `access_token` of that user.
        """
        self.redactor = Redactor()
        self._rng = rng
        self._environment = environment
        self._account = account
        self._access_token = access_token
        self._captured: dict[str, str] = {}
        self._made: dict[str, str] = {}

    def capture(self, name: str, value: str) -> None:
        """Keep a value of an answer for later steps."""
        self.redactor.add(value)
        self._captured[name] = value

    def fill(self, text: str) -> str:
        """Return a text with its inserts filled; raises `NoValueError`."""
        return "".join(part if isinstance(part, str) else self._value(part) for part in parse(text))

    def fill_all(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Return all texts filled; raises `NoValueError`."""
        return {name: self.fill(text) for name, text in texts.items()}

    def fill_json(self, value: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Return a JSON value with its texts filled; raises `NoValueError`."""
        if isinstance(value, str):
            return self.fill(value)
        if isinstance(value, Mapping):
            return {name: self.fill_json(each) for name, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.fill_json(each) for each in value]
        return value

    def _value(self, insert: Insert) -> str:
        if insert.variable is not None:
            return self._secret(self._from_environment(insert.variable))
        if insert.file is not None:
            return self._secret(self._from_file(Path(insert.file)))
        if insert.is_captured:
            if insert.name not in self._captured:
                raise NoValueError(f"no step has captured `{insert.name}`")
            return self._captured[insert.name]
        if insert.name == "random":
            return self._rng.token(16)
        if insert.name not in self._made:
            self._made[insert.name] = self._new(insert.name)
        return self._made[insert.name]

    def _new(self, name: str) -> str:
        if name == "pkce.challenge":
            # RFC 7636, section 4.2: BASE64URL(SHA256(verifier)), without padding.
            digest = hashlib.sha256(self._value(Insert("pkce.verifier")).encode()).digest()
            return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not name.startswith("probe."):
            return self._secret(self._rng.token(32))
        if self._account is None:
            raise NoValueError("there is no probe account here")
        if name == TOKEN_INSERT:
            if self._access_token is None:
                raise NoValueError("there is no access token here")
            return self._secret(self._access_token)
        value = str(getattr(self._account, name.removeprefix("probe.")))
        return self._secret(value) if name.endswith(("password", "secret")) else value

    def _secret(self, value: str) -> str:
        self.redactor.add(value)
        return value

    def _from_environment(self, name: str) -> str:
        value = self._environment.get(name)
        if not value:
            raise NoValueError(f"the guard has no environment variable {name}")
        if value != value.encode(errors="replace").decode():
            raise NoValueError(f"the environment variable {name} is not UTF-8")
        return value

    def _from_file(self, path: Path) -> str:
        try:
            return read_secret(path)
        except SecretFileError as error:
            raise NoValueError(str(error)) from None

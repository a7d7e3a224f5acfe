"""Requests of the client itself, without a browser: token, userinfo, introspection."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from ostiary.kernel.outcomes import OutcomeClass
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.provider import Provider
from ostiary.watch.relying_party.registration import Registration
from ostiary.watch.relying_party.wire import Wire

_OK = 200


@dataclass(frozen=True, slots=True)
class TokenSet:
    """What the token endpoint granted (RFC 6749, section 5.1)."""

    access_token: str = field(repr=False)
    id_token: str | None = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: float


class TokenClient:
    """The client's back channel to one target. Answers are returned as they came."""

    def __init__(
        self,
        wire: Wire,
        provider: Provider,
        registration: Registration,
        *,
        secret_in_form: bool = False,
    ) -> None:
        """Speak for `registration`; the endpoints are those that the provider published.

        The secret is sent in a header, or in the form (RFC 6749, section 2.3.1).
        """
        self.wire = wire
        self._secret_in_form = secret_in_form
        self._provider = provider
        self._registration = registration

    async def exchange(self, code: str, verifier: str, *, step: str = "token") -> Answer:
        """Redeem a code (RFC 6749, section 4.1.3) with its verifier (RFC 7636, section 4.5)."""
        return await self.token(
            step,
            grant_type="authorization_code",
            code=code,
            code_verifier=verifier,
            redirect_uri=self._registration.redirect_uri,
        )

    async def refresh(self, refresh_token: str, *, step: str = "refresh") -> Answer:
        """Redeem a refresh token (RFC 6749, section 6)."""
        return await self.token(step, grant_type="refresh_token", refresh_token=refresh_token)

    async def token(self, step: str, **parameters: str) -> Answer:
        """Ask the token endpoint, authenticated as the client."""
        return await self._authenticated(step, self._provider.token, parameters)

    async def introspect(self, token: str, *, step: str = "introspect") -> Answer:
        """Ask whether a token is active (RFC 7662)."""
        parameters = {"token": token}
        return await self._authenticated(step, self._provider.introspection, parameters)

    async def userinfo(self, access_token: str | None, *, step: str = "userinfo") -> Answer:
        """Ask who the token's user is; None sends no credentials at all."""
        headers = {} if access_token is None else {"authorization": f"Bearer {access_token}"}
        return await self.wire.send(step, "GET", self._provider.userinfo, headers=headers)

    async def flags(self, access_token: str, key: str = "", *, step: str = "flags") -> Answer:
        """Ask for all flags of the token's user, or for one by its `key` (OFREP)."""
        headers = {"authorization": f"Bearer {access_token}"}
        url = f"{self._provider.flags}/{quote(key, safe='')}" if key else self._provider.flags
        return await self.wire.send(step, "POST", url, headers=headers)

    async def _authenticated(
        self, step: str, endpoint: str, parameters: Mapping[str, str]
    ) -> Answer:
        """Authenticate the client, or name its id where there is no secret."""
        form, headers = dict(parameters), {}
        registration = self._registration
        if registration.client_secret is None:
            form["client_id"] = registration.client_id
        elif self._secret_in_form:
            form["client_id"] = registration.client_id
            form["client_secret"] = registration.client_secret
        else:
            headers["authorization"] = _basic(registration.client_id, registration.client_secret)
        return await self.wire.send(step, "POST", endpoint, headers=headers, form=form.items())


def read_token_set(answer: Answer) -> TokenSet:
    """Return what was granted; fails the step where the answer is no grant, or may be kept."""
    answer.require(answer.status == _OK, "tokens with HTTP 200")
    answer.require_class(OutcomeClass.OK)
    answer.require_not_kept()
    document = answer.json()
    access, expires_in = document.get("access_token"), document.get("expires_in")
    if str(document.get("token_type", "")).lower() != "bearer" or not isinstance(access, str):
        answer.fail("a bearer token", got="another answer", kind=FailureKind.WRONG_CONTENT)
    if isinstance(expires_in, bool) or not isinstance(expires_in, int | float):
        answer.fail("expires_in", got="no number", kind=FailureKind.WRONG_CONTENT)
    return TokenSet(
        access, _text(document, "id_token"), _text(document, "refresh_token"), expires_in
    )


def _text(document: Mapping[str, object], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


def _basic(client_id: str, secret: str) -> str:
    """Return the header of client_secret_basic; both parts are form-encoded (RFC 6749, 2.3.1)."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"

"""An application at one version of the provider: what it asks, and what it makes of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random
from ostiary.watch.oidc_journeys.application import Application
from ostiary.watch.oidc_journeys.discovered import Discovered, discover
from ostiary.watch.oidc_journeys.id_tokens import Expected, read_subject
from ostiary.watch.oidc_journeys.pages import Stopped, Typist, go_through
from ostiary.watch.own_journeys.walk import BODY_BYTES_MAX, Place
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.claims import TokenRejectedError
from ostiary.watch.relying_party.cookies import CookieJar
from ostiary.watch.relying_party.errors import FailureKind
from ostiary.watch.relying_party.grants import TokenClient, TokenSet
from ostiary.watch.relying_party.registration import AuthorizationRequest
from ostiary.watch.relying_party.wire import Wire

_SECONDS_MAX: Final = 10.0
_OK: Final = 200


@dataclass(frozen=True, slots=True)
class Login:
    """One user signed in: the device with its session, and what was minted, in `answer`."""

    browser: Browser
    code: str = field(repr=False)
    request: AuthorizationRequest = field(repr=False)
    answer: Answer = field(repr=False)
    tokens: TokenSet = field(repr=False)
    subject: str


@dataclass(frozen=True, slots=True)
class Party:
    """The application at one place. `seen` collects the strata that answered."""

    application: Application
    place: Place
    provider: Discovered
    clock: Clock
    rng: Random
    seen: set[str]

    @classmethod
    async def at(cls, place: Place, application: Application, clock: Clock, rng: Random) -> "Party":
        """Return the application at a place that it has discovered; raises `StepFailedError`."""
        seen: set[str] = set()
        provider = await discover(place, application.settings, seen)
        return cls(application, place, provider, clock, rng, seen)

    @property
    def client(self) -> TokenClient:
        """Return the back channel."""
        in_form = self.application.settings.client_auth == "post"
        return TokenClient(
            self._wire(),
            self.provider.endpoints,
            self.application.registration,
            secret_in_form=in_form,
        )

    def device(self, jar: CookieJar | None = None) -> Browser:
        """Return a browser, with the cookies of another where the user has moved on."""
        return Browser(self._wire(), jar)

    async def ask(
        self,
        browser: Browser,
        request: AuthorizationRequest,
        *,
        password: str | None = None,
        **changed: str | None,
    ) -> Answer | Stopped:
        """Ask for a code and go through the pages; return where that ended."""
        application = self.application
        if "offline_access" in application.settings.scope.split():
            # Without consent no refresh token may be given (OIDC Core, section 11).
            changed = {"prompt": "consent", **changed}
        endpoint = self.provider.endpoints.authorization
        location = request.location(endpoint, application.registration, **changed)
        typed = application.password if password is None else password
        typist = Typist(application.settings, typed or "")
        return await go_through(browser, await browser.get("authorize", location), typist)

    async def sign_in(self, browser: Browser | None = None) -> Login:
        """Sign in and redeem the code, all of it checked; raises `StepFailedError`."""
        browser = self.device() if browser is None else browser
        request = AuthorizationRequest.fresh(self.rng)
        code = self.read_code(await self.ask(browser, request), request)
        answer = await self.client.exchange(code, request.verifier)
        tokens = read_tokens(answer)
        answer.require(
            tokens.refresh_token is not None or not self.application.settings.refresh,
            "a refresh token",
            got="none",
            kind=FailureKind.WRONG_CONTENT,
        )
        subject = self.read_id_token(answer, tokens, nonce=request.nonce)
        return Login(browser, code, request, answer, tokens, subject)

    def read_code(self, arrived: Answer | Stopped, request: AuthorizationRequest) -> str:
        """Return the code of a redirect to the application that brings back what was sent."""
        if isinstance(arrived, Stopped):
            arrived.answer.fail(arrived.expected, got=arrived.got, kind=arrived.kind)
        parameters, issuer = arrived.query(), self.provider.endpoints.issuer
        told = parameters.get("iss", None if self.provider.names_issuer else issuer)
        for holds, expected in (
            (self.comes_back(arrived), "a redirect to the registered address"),
            (bool(parameters.get("code")), "a code"),
            (parameters.get("state") == request.state, "the state that was sent"),
            (told == issuer, f"iss={issuer} (RFC 9207)"),
        ):
            kind = FailureKind.WRONG_CONTENT if parameters.get("code") else None
            arrived.require(holds, expected, kind=kind)
        return parameters["code"]

    def comes_back(self, answer: Answer) -> bool:
        """Return whether an answer leads to the application's registered address."""
        own = self.application.registration.redirect_uri
        rest = answer.location.removeprefix(own)
        return answer.location.startswith(own) and rest[:1] in {"?", "&"}

    def read_id_token(self, answer: Answer, tokens: TokenSet, *, nonce: str | None) -> str:
        """Return the subject of an id token, whoever minted it, verified by this place's keys."""
        expected = Expected(
            issuer=self.provider.endpoints.issuer,
            client_id=self.application.settings.client_id,
            nonce=nonce,
            access_token=tokens.access_token,
            now=self.clock.now().timestamp(),
        )
        if tokens.id_token is None:
            answer.fail("an id token", got="none", kind=FailureKind.WRONG_CONTENT)
        try:
            return read_subject(tokens.id_token, self.provider.keys, expected)
        except TokenRejectedError as error:
            name = self.place.target.name
            whose = "" if answer.target == name else f" by what {name} publishes"
            answer.fail(
                f"an id token that is right{whose}",
                got=f"one that is not: {error}",
                kind=FailureKind.WRONG_CONTENT,
            )

    def _wire(self) -> Wire:
        place = self.place
        return Wire(place.target, place.transport, seconds_max=_SECONDS_MAX, seen=self.seen)


def read_tokens(answer: Answer) -> TokenSet:
    """Return what a token endpoint has granted (RFC 6749, section 5.1), or fail the step."""
    answer.require(answer.status == _OK, "tokens with HTTP 200")
    document = read_object(answer)
    access = document.get("access_token")
    bearer = str(document.get("token_type", "")).lower() == "bearer"
    if not bearer or not isinstance(access, str) or not access:
        answer.fail("a bearer token", got="another answer", kind=FailureKind.WRONG_CONTENT)
    return TokenSet(access, _text(document, "id_token"), _text(document, "refresh_token"), 0.0)


def read_object(answer: Answer) -> Mapping[str, object]:
    """Return the JSON object in a body of any sensible size, or fail the step."""
    answer.require(
        len(answer.body) <= BODY_BYTES_MAX,
        f"a body of at most {BODY_BYTES_MAX} bytes",
        got="a larger one",
        kind=FailureKind.WRONG_CONTENT,
    )
    return answer.json()


def _text(document: Mapping[str, object], name: str) -> str | None:
    value = document.get(name)
    return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class OidcTools:
    """What every run needs."""

    application: Application
    clock: Clock
    rng: Random

    async def party(self, place: Place) -> Party:
        """Return the application at a place; raises `StepFailedError` where it finds none."""
        return await Party.at(place, self.application, self.clock, self.rng)

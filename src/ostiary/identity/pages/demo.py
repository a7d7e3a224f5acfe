"""The demo page: who is signed in, and which replica says so."""

from dataclasses import dataclass
from datetime import UTC, datetime

import falcon

from ostiary.identity.accounts.model import Account
from ostiary.identity.http.context import context_of
from ostiary.identity.pages.forms import FormPages
from ostiary.identity.pages.return_to import DEFAULT_PATH
from ostiary.identity.pages.sign_up_offer import SignUpOffer
from ostiary.identity.sessions.current import CurrentSession
from ostiary.identity.sessions.model import Session
from ostiary.kernel.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Answerer:
    """The replica that renders a page, and the snapshot that it serves."""

    replica: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class Moment:
    """A time as people read it, and as machines do. Always in UTC."""

    text: str
    machine: str


class DemoPage:
    """`/demo`."""

    def __init__(
        self,
        forms: FormPages,
        current_session: CurrentSession,
        answerer: Answerer,
        offer: SignUpOffer,
    ) -> None:
        self._forms = forms
        self._current_session = current_session
        self._answerer = answerer
        self._offer = offer

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show who is signed in, or how to sign in."""
        found = self._current_session.find(request)
        values: dict[str, object] = {"answerer": self._answerer}
        if found is None:
            values["sign_up_open"] = self._offer.is_shown(self._forms.visitor(request, None))
            self._forms.show_plain(request, response, "nobody", values)
            return
        self._forms.show(
            request,
            response,
            "demo",
            {**values, "person": _person(*found)},
            return_to=DEFAULT_PATH,
            bound_to=found[0].session_hash,
        )

    on_head = on_get


class Entrance:
    """`/`."""

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Lead to the demo page."""
        context_of(request).outcome = Outcome.OK
        response.status = falcon.HTTP_303
        response.location = DEFAULT_PATH

    on_head = on_get


class Favicon:
    """`/favicon.ico`, which browsers ask for on their own beside answers that are no pages."""

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Answer that there is none: a 404 here would count as a refusal."""
        context_of(request).outcome = Outcome.OK
        response.status = falcon.HTTP_204
        response.set_header("cache-control", "public, max-age=86400")

    on_head = on_get


def _person(session: Session, account: Account) -> dict[str, object]:
    return {
        "email": account.email,
        "roles": account.roles,
        "since": _moment(session.created_at),
        "until": _moment(session.expires_at),
        "minted_by": session.minted_by,
    }


def _moment(unix_seconds: int) -> Moment:
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return Moment(f"{moment.day} {moment:%B %Y, %H:%M} UTC", f"{moment:%Y-%m-%dT%H:%M:%SZ}")

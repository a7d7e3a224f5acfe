"""Pages of any kind, and the way through them."""

import asyncio

import pytest

from ostiary.watch.oidc_journeys.pages import Stopped, Typist, go_through
from ostiary.watch.relying_party.answers import Answer
from ostiary.watch.relying_party.browser import Browser
from ostiary.watch.relying_party.connections import KeptConnections
from ostiary.watch.relying_party.errors import FailureKind, StepFailedError
from ostiary.watch.relying_party.target import Target
from ostiary.watch.relying_party.wire import Wire
from tests.unit.watch.oidc_journeys.conftest import ISSUER, settings_with
from tests.unit.watch.own_journeys.conftest import Application
from tests.unit.watch.small_provider.wire import Response

BACK = "https://app.example.test/back?code=x"
SIGN_IN = """<form method=post><input type=hidden name=flow value="a&amp;b">
<input name=email><input type=password name=password><button name=go value=in>Go</button></form>"""
CONSENT = "<form method=post action=/consent><button name=choice value=yes>Yes</button></form>"


@pytest.fixture
def application():
    running = Application()
    yield running
    running.server.close()


@pytest.fixture
def way(application):
    """Go from `/start` and return where the way ended."""

    def go() -> Answer | Stopped:
        async def run() -> Answer | Stopped:
            transport = KeptConnections()
            try:
                target = Target("candidate", application.server.url, ISSUER)
                browser = Browser(Wire(target, transport))
                typist = Typist(settings_with(), "secret")
                return await go_through(browser, await browser.get("a", "/start?flow=1"), typist)
            finally:
                await transport.aclose()

        return asyncio.run(run())

    return go


def page(html: str, status: int = 200) -> Response:
    return Response.page(status, "", html)


def test_fields_are_filled_hidden_ones_go_back_and_the_button_is_pressed(application, way):
    def start(request):
        return page(SIGN_IN) if request.method == "GET" else Response.redirect("/more")

    application.on("/start", start)
    application.on("/more", page(CONSENT))
    application.on("/consent", Response.redirect(BACK))

    assert way().location == BACK
    sent = [each for each in application.seen if each.method == "POST"]
    assert sent[0].form == {
        "flow": "a&b",
        "email": "probe@example.test",
        "password": "secret",
        "go": "in",
    }
    # A form without an action is sent to the page's own address, its query included.
    assert sent[0].query == {"flow": "1"}
    assert sent[1].form == {"choice": "yes"}


def test_an_account_may_be_asked_for_on_a_page_before_the_password(application, way):
    application.on("/start", page("<form method=post action=/pw><input name=email></form>"))
    second = "<form method=post action=/in><input type=password name=password></form>"
    application.on("/pw", page(second))
    application.on("/in", Response.redirect(BACK))

    assert way().location == BACK
    assert application.seen[1].form == {"email": "probe@example.test"}
    assert application.seen[2].form == {"password": "secret"}


@pytest.mark.parametrize(
    ("html", "got"),
    [
        ("", "0 forms with no field and 0 buttons"),
        ("<form><input name=login><input type=password name=pw></form>", "'login', 'pw'"),
        (CONSENT + CONSENT, "2 forms"),
        (CONSENT.replace("</form>", "<button>No</button></form>"), "2 buttons"),
        (CONSENT.replace("method=post", ""), "1 buttons"),
        ("<![x[>" + "<form method=get><input name='\x1b[31m'></form>", "'\\x1b[31m'"),
    ],
)
def test_a_page_without_a_way_says_what_stands_there(application, way, html, got):
    application.on("/start", page(html))

    stopped = way()

    assert got in stopped.got
    assert "email and password" in stopped.expected
    assert stopped.kind is FailureKind.REFUSED


def test_the_same_form_again_is_a_refusal_and_the_password_is_sent_once(application, way):
    application.on("/start", page(SIGN_IN))

    assert way().got == "HTTP 200, the sign-in form again"
    assert [each.method for each in application.seen] == ["GET", "POST"]


def test_the_password_goes_nowhere_else(application, way):
    elsewhere = SIGN_IN.replace("method=post", 'method=post action="https://attacker.invalid/"')
    application.on("/start", page(elsewhere))

    with pytest.raises(StepFailedError, match="a form that is posted to the issuer"):
        way()
    assert len(application.seen) == 1


def test_the_password_stands_in_no_address(application, way):
    application.on("/start", page(SIGN_IN.replace("method=post", "method=get")))

    with pytest.raises(StepFailedError):
        way()
    assert len(application.seen) == 1


def test_pages_without_an_end_have_one(application, way):
    application.on("/start", page(CONSENT.replace("/consent", "/start")))

    assert way().expected == "an end of the pages"


def test_redirects_without_an_end_have_one(application, way):
    application.on("/start", Response.redirect("/start"))

    with pytest.raises(StepFailedError, match="an end of the redirects"):
        way()


def test_an_error_page_is_told_by_its_status(application, way):
    application.on("/start", page("<h1>oops</h1>", 500))

    stopped = way()
    assert stopped.answer.status == 500
    assert stopped.kind is None

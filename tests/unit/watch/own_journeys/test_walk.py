"""Walking: what is sent, what is captured, cookies, redirects, time; and that no secret shows."""

import base64
import json
import time

import pytest

from ostiary.watch.journeys.probes import ProbeAccount
from ostiary.watch.relying_party.errors import FailureKind
from tests.unit.watch.own_journeys.conftest import ISSUER, journeys_in, of_json, one_step
from tests.unit.watch.small_provider.wire import Response

ACCOUNT = ProbeAccount("p@probe.invalid", "pa55/word", "probe-1", "s3cret", "https://x/", None, "s")

PARTNER = """
[[guard.journeys.own.steps]]
name = "token"
method = "POST"
path = "/oauth2/token"
form = { grant_type = "client_credentials", client_secret = "{env:PARTNER_SECRET}" }
expect = { status = 200, json_body = { token_type = "Bearer" } }
capture = { token = "json:access_token" }

[[guard.journeys.own.steps]]
name = "use"
path = "/api/orders"
headers = { Authorization = "Bearer {token}" }
expect.status = 200

[[guard.journeys.own.steps]]
name = "refused with another secret"
method = "POST"
path = "/oauth2/token"
form = { grant_type = "client_credentials", client_secret = "{random}" }
expect = { status = 401, json_body = { error = "invalid_client" } }
"""


def token_endpoint(request):
    if request.form.get("client_secret") != "p4rtner secret":
        return of_json({"error": "invalid_client"}, status=401)
    return of_json({"token_type": "Bearer", "access_token": "t0ken"})


def api(request):
    return Response(200 if request.bearer == "t0ken" else 401, "", b"your token: t0ken")


def test_captured_values_and_secrets_are_sent(application, go):
    application.on("/oauth2/token", token_endpoint)
    application.on("/api/orders", api)
    results = go(journeys_in(PARTNER)["own"], environment={"PARTNER_SECRET": "p4rtner secret"})
    assert [result.failure for result in results] == [None, None, None]
    assert application.seen[0].headers["host"] == "shop.example.test"
    assert application.seen[1].bearer == "t0ken"


def test_nothing_follows_a_failed_step(application, go):
    application.on("/oauth2/token", Response(503, "", b"later"))
    results = go(journeys_in(PARTNER)["own"], environment={"PARTNER_SECRET": "p4rtner secret"})
    assert [result.step for result in results] == ["token"]
    assert str(results[0].failure) == (
        "journeys.own, step token: expected HTTP 200, got HTTP 503, body later (candidate)"
    )


def test_no_secret_is_shown_however_the_answer_repeats_it(application, go):
    secret = 'p4rtner "secret"/+'
    said = f"{secret} {json.dumps(secret)} p4rtner%20%22secret%22%2F%2B p4rtner+%22secret%22%2F%2B"
    application.on("/oauth2/token", Response(500, "", said.encode()))
    results = go(journeys_in(PARTNER)["own"], environment={"PARTNER_SECRET": secret})
    text = str(results[0].failure)
    assert "p4rtner" not in text
    assert "…" in text


def test_what_was_captured_is_not_shown_by_later_steps(application, go):
    application.on("/oauth2/token", token_endpoint)
    application.on("/api/orders", Response(500, "", b"bad token t0ken"))
    results = go(journeys_in(PARTNER)["own"], environment={"PARTNER_SECRET": "p4rtner secret"})
    assert results[1].failure.got == "HTTP 500, body bad token …"


def test_a_token_that_nobody_expected_is_not_shown(application, go):
    granted = {"access_token": "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln", "note": "granted"}
    application.on("/", of_json(granted))
    (result,) = go(one_step('path = "/"\nexpect.status = 401'))
    assert result.failure.kind is FailureKind.GRANTED
    assert "eyJ" not in str(result.failure)
    assert "granted" in result.failure.got


def test_a_probe_account_and_pkce_fill_a_request(application, go):
    application.on("/", lambda request: of_json(request.form))
    (result,) = go(
        one_step(
            'method = "POST"\npath = "/"\nexpect.status = 200\n'
            'form = { u = "{probe.email}", p = "{probe.password}", v = "{pkce.verifier}",'
            ' c = "{pkce.challenge}", n = "{random.n}", m = "{random.n}", x = "{random}" }'
        ),
        account=ACCOUNT,
    )
    assert result.failure is None
    form = application.seen[0].form
    assert (form["u"], form["p"]) == (ACCOUNT.email, ACCOUNT.password)
    assert form["n"] == form["m"] != form["x"]
    assert len(base64.urlsafe_b64decode(form["c"] + "=")) == 32
    assert ACCOUNT.password not in result.came


def test_basic_json_text_and_query_are_sent_as_they_should(application, go):
    application.on("/", Response(204, ""))
    basic = 'basic = { user = "shop", password = "{env:S}" }'
    kinds = ('json_body = { a = [1, "{env:S}", { b = true }] }', 'text_body = "{{x}} {env:S}"')
    for body in kinds:
        toml = f'method = "PUT"\npath = "/?a=1"\nquery = {{ q = "ä &" }}\n{basic}\n{body}\n'
        (result,) = go(one_step(f"{toml}expect.status = 204"), environment={"S": "x:y"})
        assert result.failure is None
    first, second = application.seen
    assert base64.b64decode(first.headers["authorization"].split()[1]) == b"shop:x:y"
    assert first.query == {"a": "1", "q": "ä &"}
    assert (first.json(), first.headers["content-type"]) == (
        {"a": [1, "x:y", {"b": True}]},
        "application/json",
    )
    assert second.body == b"{x} x:y"


def test_cookies_are_kept_and_forms_are_filled(application, go):
    page = '<form method="post"><input name="csrf" type="hidden" value="c&amp;1"></form>'
    application.on(
        "/sign-in",
        lambda request: (
            Response(200, "", page.encode(), [("set-cookie", "sid=1; Path=/")])
            if request.method == "GET"
            else Response(303, "", b"", [("location", f"/done?code={request.form['csrf']}")])
        ),
    )
    results = go(
        journeys_in("""
[[guard.journeys.own.steps]]
name = "page"
path = "/sign-in"
expect.status = 200
capture = { csrf = "form_field:csrf", sid = "cookie:sid", whole = 'body:name="(\\w+)"' }
[[guard.journeys.own.steps]]
name = "sign in"
method = "POST"
path = "/sign-in"
form = { csrf = "{csrf}", sid = "{sid}", whole = "{whole}" }
expect = { status = 303, headers = { location = "/done?code={csrf}" } }
capture = { code = "query:code", next = "header:location" }
[[guard.journeys.own.steps]]
name = "next"
path = "{next}"
expect.status = 404
""")["own"]
    )
    assert [result.failure for result in results] == [None, None, None]
    sent = application.seen[1]
    assert sent.cookies == {"sid": "1"}
    assert sent.form == {"csrf": "c&1", "sid": "1", "whole": "csrf"}
    assert sent.headers["origin"] == ISSUER
    assert results[1].came == "HTTP 303, to /done"


def test_claims_of_a_token_can_be_captured_and_expected(application, go):
    claims = base64.urlsafe_b64encode(b'{"sub": "s-1", "tenant": {"id": 7}}').rstrip(b"=").decode()
    application.on("/", of_json({"access_token": f"e30.{claims}.c2ln"}))
    step = 'path = "/"\nexpect = { status = 200, match = { "jwt:access_token:tenant.id" = "%s" } }'
    assert go(one_step(step % "^7$"))[0].failure is None
    (result,) = go(one_step(step % "^8$"))
    assert result.failure.expected == "jwt:access_token:tenant.id to match ^8$"
    assert result.failure.got == "7"


@pytest.mark.parametrize("token", [None, 5, "", "a.b", "a.%%%.c", "a.W10.c", "ä.ö.ü"])
def test_what_is_no_token_has_no_claims(application, go, token):
    application.on("/", of_json({"t": token}))
    (result,) = go(one_step('path = "/"\nexpect.status = 200\ncapture = { sub = "jwt:t:sub" }'))
    assert result.failure.expected == "a value at jwt:…"


def test_redirects_are_followed_only_where_asked_and_only_at_the_issuer(application, go):
    application.on("/a", Response(302, "", b"", [("location", f"{ISSUER}/b")]))
    application.on("/b", Response(307, "", b"", [("location", "https://elsewhere.test/?code=1")]))
    (stays,) = go(one_step('path = "/a"\nexpect.status = 302'))
    assert (stays.failure, len(application.seen)) == (None, 1)
    (follows,) = go(
        one_step('path = "/a"\nfollow = true\nexpect.status = 307\ncapture = { c = "query:code" }')
    )
    assert follows.failure is None
    assert follows.came == "HTTP 307, to https://elsewhere.test/"


def test_a_followed_post_becomes_a_get_unless_it_must_not(application, go):
    application.on("/303", Response(303, "", b"", [("location", "/end")]))
    application.on("/308", Response(308, "", b"", [("location", "/end")]))
    application.on("/end", lambda request: Response(200, "", request.method.encode()))
    for path, method in (("/303", "GET"), ("/308", "POST")):
        toml = f'method = "POST"\npath = "{path}"\nform = {{ a = "b" }}\nfollow = true\n'
        toml += f'expect = {{ status = 200, contains = "{method}" }}'
        assert go(one_step(toml))[0].failure is None
    assert application.seen[-1].form == {"a": "b"}


def test_a_circle_of_redirects_ends(application, go):
    application.on("/", Response(302, "", b"", [("location", "/")]))
    (result,) = go(one_step('path = "/"\nfollow = true\nexpect.status = 200'))
    assert result.failure.expected == "an end of the redirects"
    assert len(application.seen) == 9


@pytest.mark.parametrize(
    ("location", "got"),
    [
        ("https://elsewhere.test/x", "one of somebody else"),
        (ISSUER, "one without"),
        ("/a b", None),
        ("http://[", "one of somebody else"),
    ],
)
def test_a_captured_location_leads_nowhere_else(application, go, location, got):
    application.on("/", of_json({"next": location}))
    results = go(
        journeys_in("""
[[guard.journeys.own.steps]]
name = "first"
path = "/"
expect.status = 200
capture = { next = "json:next" }
[[guard.journeys.own.steps]]
name = "second"
path = "{next}"
expect.status = 200
""")["own"]
    )
    assert len(application.seen) <= 2
    failure = results[1].failure
    assert failure is not None
    if got is not None:
        assert failure.got == got


def test_a_step_that_takes_too_long_is_told(application, go):
    application.on("/", lambda _request: time.sleep(1.0) or Response(200, ""))
    (result,) = go(one_step('path = "/"\nseconds_max = 0.2\nexpect.status = 200'))
    assert result.failure.kind is FailureKind.TIMEOUT


def test_a_connection_that_is_dropped_is_told(application, go):
    application.on("/", lambda _request: None)
    (result,) = go(one_step('path = "/"\nexpect.status = 200'))
    assert result.failure.kind is FailureKind.NO_ANSWER


@pytest.mark.parametrize(
    ("insert", "words"),
    [
        ("{env:NOT_THERE}", "the guard has no environment variable NOT_THERE"),
        ("{env:ODD}", "the environment variable ODD is not UTF-8"),
        ("{file:/not/there}", "/not/there is no file"),
        ("{file:/dev/zero}", "/dev/zero is no file"),
        ("{probe.email}", "there is no probe account here"),
    ],
)
def test_what_cannot_be_filled_is_told_and_nothing_is_sent(application, go, insert, words):
    toml = f'method = "POST"\npath = "/"\nform = {{ a = "{insert}" }}\nexpect.status = 200'
    (result,) = go(one_step(toml), environment={"ODD": "\udcff"})
    assert result.failure.got == words
    assert application.seen == []


def test_a_file_gives_its_text_without_the_last_line_end(application, go, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    application.on("/", lambda request: Response(200, "", json.dumps(request.form).encode()))
    toml = f'method = "POST"\npath = "/"\nform = {{ a = "{{file:{secret}}}" }}\nexpect.status = 201'
    (result,) = go(one_step(toml))
    assert application.seen[0].form == {"a": "s3cret"}
    assert "s3cret" not in str(result.failure)


@pytest.mark.parametrize("content", [b"\xff", b"x" * 70_000])
def test_a_file_that_is_no_secret_is_told(go, tmp_path, content):
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    (result,) = go(one_step(f'path = "/{{file:{secret}}}"\nexpect.status = 200'))
    assert str(secret) in result.failure.got


def test_a_line_end_in_a_value_begins_no_header(application, go):
    toml = 'path = "/"\nheaders = { x-own = "{env:EVIL}" }\nexpect.status = 404'
    (result,) = go(one_step(toml), environment={"EVIL": "a\r\nx-admin: yes"})
    assert "cannot stand there" in result.failure.got
    assert application.seen == []

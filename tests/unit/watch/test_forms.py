from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.watch.relying_party.forms import find_form_to, find_password_form, read_forms

SIGN_IN = """<!doctype html><html><body>
<form action="/search"><input name="q" value="shoes"></form>
<form method="post" action="/sign-in?x=1">
<input type="hidden" name="csrf_token" value="a&amp;b">
<input type="hidden" name="return_to" value="/demo">
<input name="email" type="email"><input name="password" type="password">
<input type="checkbox" name="remember"><input type="checkbox" name="terms" checked value="yes">
<input type="submit" name="go" value="Go"><button>Sign in</button>
</form></body></html>"""


def test_the_password_form_is_found_among_others():
    form = find_password_form(SIGN_IN)

    assert form.action == "/sign-in?x=1"
    assert form.method == "POST"
    assert form.has("email")


def test_hidden_values_are_kept_and_typed_ones_replace():
    form = find_password_form(SIGN_IN)

    sent = dict(form.filled([("email", "me@example.org"), ("return_to", "/other")]))

    assert sent == {
        "csrf_token": "a&b",
        "return_to": "/other",
        "email": "me@example.org",
        "password": "",
        "terms": "yes",
    }


def test_a_page_without_a_password_has_no_such_form():
    assert find_password_form("<form><input name=a></form>") is None


def test_a_form_is_found_by_where_it_is_sent():
    assert find_form_to(SIGN_IN, "/sign-in").has("csrf_token")
    assert find_form_to(SIGN_IN, "/sign-out") is None


def test_a_form_that_is_never_closed_still_counts():
    assert len(read_forms("<form action=/a><input name=x>")) == 1


def test_a_form_within_a_form_is_ignored_as_browsers_do():
    forms = read_forms("<form action=/a><form action=/b><input name=x></form></form>")

    assert [form.action for form in forms] == ["/a"]
    assert forms[0].has("x")


def test_the_first_of_two_equal_attributes_counts():
    assert read_forms('<form action="/a" action="/b"></form>')[0].action == "/a"


def test_the_buttons_of_a_form_are_those_that_send_it():
    page = """<form><button type=button name=show>Show</button><button name=choice value=allow>
    Allow</button><input type=image name=map><input type=reset name=again></form>"""

    assert read_forms(page)[0].buttons == (("choice", "allow"), ("map", ""))


@pytest.mark.parametrize(
    "before",
    ["<!-- <form action=/x> -->", "<script>'<form>'</script>", "<title><form></title>", "<![x[>"],
)
def test_what_only_looks_like_a_form_is_none(before):
    assert [form.action for form in read_forms(f"{before}<FORM ACTION='/a'></form>")] == ["/a"]


@pytest.mark.parametrize(
    "page", ["<!--", "<a ", "<![", "&#", "<script>", "</", '<a b="', "<a b='", "="]
)
def test_a_hostile_page_takes_no_longer_than_another(page):
    """Each of these once took time that grew with the square of the length: minutes for this."""
    assert len(read_forms("<form action=/a></form>" + page * 100_000)) == 1


@pytest.mark.parametrize("page", ["", "<", "<form", "<form><input", "\x00<form>", "<!doctype"])
def test_broken_markup_gives_no_error(page):
    read_forms(page)


@given(st.text())
def test_no_text_gives_an_error(page):
    read_forms(page)


NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,10}", fullmatch=True)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


@given(st.dictionaries(NAMES, VALUES, max_size=5))
def test_whatever_value_stands_in_a_hidden_input_is_sent(values):
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{escape(value)}">'
        for name, value in values.items()
    )
    page = f'<form method="post" action="/x">{inputs}</form>'

    form = read_forms(page)[0]

    assert dict(form.filled([])) == values

from hypothesis import given
from hypothesis import strategies as st

from ostiary.watch.relying_party.cookies import CookieJar


def jar_with(*headers):
    jar = CookieJar()
    jar.store(headers)
    return jar


def test_a_cookie_comes_back():
    assert jar_with("sid=abc; Path=/; HttpOnly; SameSite=Lax").header("/any") == "sid=abc"


def test_a_cookie_is_replaced_by_its_next_value():
    assert jar_with("sid=1; Path=/", "sid=2; Path=/").header("/") == "sid=2"


def test_secure_cookies_are_kept_since_the_issuer_is_what_counts():
    assert jar_with("__Host-sid=1; Path=/; Secure").header("/") == "__Host-sid=1"


def test_a_cookie_is_sent_below_its_path_only():
    jar = jar_with("a=1; Path=/oauth2", "b=2; Path=/")

    assert jar.header("/oauth2/authorize") == "a=1; b=2"
    assert jar.header("/oauth2") == "a=1; b=2"
    assert jar.header("/oauth2x") == "b=2"


def test_a_deleted_cookie_is_gone():
    for deletion in (
        "sid=; Path=/; Max-Age=0",
        "sid=x; Path=/; Max-Age=-1",
        "sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    ):
        jar = jar_with("sid=1; Path=/", deletion)
        assert jar.header("/") == ""
        assert len(jar) == 0


def test_an_unreadable_header_is_ignored():
    assert jar_with("=;;;", "", "sid=1; Path=/").header("/") == "sid=1"


def test_a_copied_jar_does_not_follow_the_original():
    jar = jar_with("sid=1; Path=/")
    stolen = jar.copy()

    jar.clear()

    assert jar.header("/") == ""
    assert stolen.header("/") == "sid=1"


@given(st.text())
def test_no_header_gives_an_error(header):
    jar_with(header).header("/")


@given(st.from_regex(r"[A-Za-z0-9_.-]{1,60}", fullmatch=True))
def test_a_value_comes_back_as_it_was_sent(value):
    assert jar_with(f"sid={value}; Path=/").header("/") == f"sid={value}"

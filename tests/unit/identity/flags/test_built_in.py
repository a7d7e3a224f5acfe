"""The flags that the service itself reads, beside the settings of the same meaning."""

import pytest

from ostiary.identity.flags import Subject
from tests.identity_app import IdentityService, outcome_of

CLOSED = {"sign_up_open": False}
SMTP = {"mail_from": "login@example.org", "mail_smtp_url": "smtp://127.0.0.1:9"}


def offers(service: IdentityService, path: str = "/sign-in") -> bool:
    return 'href="/sign-up' in service.edge().get(path).text


def test_sign_up_can_be_closed_by_a_flag(service: IdentityService) -> None:
    closed = service.replica(flags=CLOSED)
    for answer in (
        closed.edge().get("/sign-up"),
        closed.edge().post("/sign-up", {"email": "a@example.org", "password": "x"}),
    ):
        assert (answer.status_code, outcome_of(answer)) == (403, "sign_up_closed")
    assert not offers(closed)
    assert not offers(closed, "/demo")


def test_a_link_can_be_left_out_while_sign_up_stays_open(service: IdentityService) -> None:
    quiet = service.replica(flags={"sign_up_offered": False})
    assert not offers(quiet)
    assert not offers(quiet, "/demo")
    assert quiet.edge().get("/sign-up").status_code == 200
    assert offers(service)


@pytest.mark.parametrize("flags", [{"sign_up_open": True}, {"sign_up_offered": True}])
def test_no_flag_opens_what_the_setting_closes(
    service: IdentityService, flags: dict[str, bool]
) -> None:
    closed = service.replica(flags=flags, sign_up=False)
    assert not offers(closed)
    assert closed.edge().get("/sign-up").status_code == 403


def test_a_browser_meets_the_same_value_from_page_to_page(service: IdentityService) -> None:
    split = {"default": True, "variant": False, "percent": 50}
    half = service.replica(flags={"sign_up_open": split})
    seen = set()
    for _ in range(12):
        browser = half.edge()
        first = browser.get("/sign-up").status_code
        assert browser.cookies, "a name that the browser keeps"
        assert {browser.get("/sign-up").status_code for _ in range(3)} == {first}
        assert ('href="/sign-up' in browser.get("/sign-in").text) == (first == 200)
        seen.add(first)
    assert seen == {200, 403}


def mails(service: IdentityService) -> int:
    with service.store.read() as connection:
        return int(connection.exec_driver_sql("SELECT count(*) FROM mails").scalar_one())


def test_mail_about_new_devices_goes_by_the_owners_roles(service: IdentityService) -> None:
    quiet = {"default": True, "variant": False, "roles": ["staff"]}
    replica = service.replica(flags={"new_device_mail": quiet}, **SMTP)
    service.add_user("ada@example.org", roles=("staff",))
    service.add_user("bob@example.org")
    assert replica.edge().sign_in("ada@example.org").status_code == 303
    assert mails(service) == 0
    assert replica.edge().sign_in("bob@example.org").status_code == 303
    assert mails(service) == 1


def test_replicas_draw_alike_whatever_their_snapshot(service: IdentityService) -> None:
    split = {"new": {"default": False, "variant": True, "percent": 50}}
    first = service.replica(name="one", flags=split)
    second = service.replica(name="two", snapshot="s-00000000bbbb", flags=split)
    users = [Subject(f"u-{number}") for number in range(50)]
    drawn = [
        [replica.identity.flags.is_on("new", default=False, who=user) for user in users]
        for replica in (first, second)
    ]
    assert drawn[0] == drawn[1]
    assert len(set(drawn[0])) == 2

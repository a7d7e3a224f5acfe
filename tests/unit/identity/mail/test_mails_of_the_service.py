"""Which acts of people make the service write a mail, and which do not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select

from ostiary.identity.store.schema import mails
from ostiary.kernel.errors import RefusedError
from tests.identity_app import IdentityService, build_identity, outcome_of

SETTINGS = {"mail_from": "login@example.org", "mail_smtp_url": "smtp://127.0.0.1:9"}
PASSWORD = "correct horse battery"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[IdentityService]:
    built = build_identity(tmp_path, **SETTINGS)
    yield built
    built.close()


def written(service: IdentityService) -> list[Row[Any]]:
    with service.store.read() as connection:
        return list(connection.execute(select(mails).order_by(mails.c.number)))


def kinds(service: IdentityService) -> list[str]:
    return [mail.kind for mail in written(service)]


def sign_up(service: IdentityService, email: str) -> str:
    return outcome_of(service.edge().submit("/sign-up", {"email": email, "password": PASSWORD}))


def test_who_signs_up_is_welcomed_at_the_address_as_they_wrote_it(
    service: IdentityService,
) -> None:
    assert sign_up(service, "Ada@Example.org") == "ok"
    (mail,) = written(service)
    assert (mail.kind, mail.recipient) == ("welcome", "Ada@Example.org")
    assert "203.0.113.7" in mail.body


def test_the_owner_of_a_taken_address_is_told_once_a_day(service: IdentityService) -> None:
    service.add_user("Ada@example.org", PASSWORD)
    for _ in range(3):
        assert sign_up(service, "ADA@EXAMPLE.ORG") == "already_exists"
    (mail,) = written(service)
    assert (mail.kind, mail.recipient) == ("address_taken", "Ada@example.org")
    service.clock.advance(86_401)
    sign_up(service, "ada@example.org")
    assert kinds(service) == ["address_taken"] * 2


def test_a_new_device_is_told_of_and_a_known_one_is_not(service: IdentityService) -> None:
    service.add_user("ada@example.org", PASSWORD)
    browser = service.edge()
    for _ in range(2):
        browser.sign_in()
    assert kinds(service) == ["new_device"]


def test_of_new_devices_people_are_told_once_an_hour(service: IdentityService) -> None:
    service.add_user("ada@example.org", PASSWORD)
    for _ in range(3):
        service.edge().sign_in()
    assert kinds(service) == ["new_device"]
    service.clock.advance(3601)
    service.edge().sign_in()
    assert kinds(service) == ["new_device"] * 2


def test_journeys_cause_no_mail(service: IdentityService) -> None:
    service.add_user("probe@example.org", PASSWORD, probe=True)
    assert service.edge().sign_in("probe@example.org").status_code == 303
    assert sign_up(service, "probe@example.org") == "already_exists"
    assert written(service) == []


def test_operators_and_failures_cause_no_mail(service: IdentityService) -> None:
    service.add_user("ada@example.org", PASSWORD)
    service.edge().sign_in(password="wrong")
    service.admin("POST", "/admin/users/ada@example.org/disable")
    assert written(service) == []


def test_without_a_mail_server_nothing_is_written(tmp_path: Path) -> None:
    service = build_identity(tmp_path)
    sign_up(service, "ada@example.org")
    assert written(service) == []
    service.close()


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"mail_from": ""}, "mail_from_missing"),
        ({"mail_smtp_url": "smtp://mail.example/path"}, "mail_smtp_url_invalid"),
        (
            {"mail_smtp_url": "smtp://me@mail.example", "mail_smtp_password_file": "/nowhere"},
            "mail_password_unreadable",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_at_the_start(
    tmp_path: Path, settings: dict[str, str], code: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        build_identity(tmp_path, **{**SETTINGS, **settings})
    assert refused.value.code == code


def test_an_operator_sees_which_mails_an_account_got_and_not_what_they_say(
    service: IdentityService,
) -> None:
    sign_up(service, "Ada@Example.org")
    sign_up(service, "ada@example.org")
    shown = service.admin("GET", "/admin/users/ada@example.org/mails")
    assert shown.json["mail_server"] is True
    assert [mail["kind"] for mail in shown.json["mails"]] == ["address_taken", "welcome"]
    assert set(shown.json["mails"][0]) == {"kind", "created_at", "sent_at", "given_up_at"}
    assert shown.json["mails"][0]["sent_at"] is None


def test_mails_are_shown_to_nobody_else_and_of_no_stranger(service: IdentityService) -> None:
    sign_up(service, "ada@example.org")
    path = "/admin/users/ada@example.org/mails"
    assert service.admin("GET", path, token="wrong").status_code == 401
    unknown = service.admin("GET", "/admin/users/nobody@example.org/mails")
    assert (unknown.status_code, outcome_of(unknown)) == (404, "not_found")


def test_mails_that_wait_go_with_their_account(service: IdentityService) -> None:
    for email in ("ada@example.org", "bob@example.org"):
        sign_up(service, email)
    service.admin("DELETE", "/admin/users/ada@example.org")
    assert [mail.recipient for mail in written(service)] == ["bob@example.org"]


def test_without_a_mail_server_an_operator_is_told_so(tmp_path: Path) -> None:
    service = build_identity(tmp_path)
    sign_up(service, "ada@example.org")
    shown = service.admin("GET", "/admin/users/ada@example.org/mails")
    assert shown.json == {"mail_server": False, "mails": []}
    service.close()

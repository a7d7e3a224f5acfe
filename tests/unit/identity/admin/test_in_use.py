"""What the store holds that every release must serve, and probes of each."""

import pytest
from sqlalchemy import update

from ostiary.identity.passwords.formats import HashFormat
from ostiary.identity.store.schema import users
from tests.identity_app import IdentityService, outcome_of

PLAIN = "argon2id v=19 m=8192 t=1 p=1 salt=16 digest=32"
OTHERS = [
    "argon2id v=19 m=1024 t=3 p=2 salt=16 digest=32",
    "argon2i v=16 m=64 t=2 p=4 salt=8 digest=24",
    "argon2d v=19 m=64 t=1 p=1 salt=20 digest=16",
    "argon2i m=64 t=2 p=1 salt=16 digest=32",
]
PASSWORD = "correct horse battery"


def add_probe(service: IdentityService, email: str, kind: str | None):
    body = {"email": email, "password": PASSWORD, "probe": True, "hash_format": kind}
    return service.admin("POST", "/admin/users", body)


def set_hash(service: IdentityService, email: str, **values: object) -> None:
    with service.store.write() as connection:
        connection.execute(update(users).where(users.c.email == email).values(**values))


@pytest.mark.parametrize("kind", [PLAIN, *OTHERS])
def test_a_probe_with_a_hash_of_any_format_signs_in(service, kind) -> None:
    assert add_probe(service, "p@probe.invalid", kind).status_code == 201
    assert service.edge().sign_in("p@probe.invalid", PASSWORD).status_code == 303
    wrong = service.edge().sign_in("p@probe.invalid", "another password")
    assert outcome_of(wrong) == "bad_credentials"

    set_hash(service, "p@probe.invalid", probe=False)
    shown = service.admin("GET", "/admin/in-use").json["hash_formats"]
    assert shown == [{"format": kind, "users": 1, "can_be_probed": True}]


def test_formats_in_use_are_told_by_their_number_and_probes_do_not_count(service) -> None:
    for number, kind in enumerate([OTHERS[0], PLAIN, PLAIN, PLAIN]):
        assert add_probe(service, f"p{number}@probe.invalid", kind).status_code == 201
        if number < 3:
            set_hash(service, f"p{number}@probe.invalid", probe=False)

    told = service.admin("GET", "/admin/in-use").json
    assert told["hash_formats"] == [
        {"format": PLAIN, "users": 2, "can_be_probed": True},
        {"format": OTHERS[0], "users": 1, "can_be_probed": True},
    ]
    assert told["hashes_of_no_format"] == 0


def test_what_is_no_hash_is_counted_and_not_shown(service) -> None:
    bcrypt = "$2b$12$abcdefghijklmnopqrstuuhXB8M6Ahz6Jq0Mdd3WmLfKJyD1QH3i"
    strange = "$argon2id$v=19$m=99999999999,t=1,p=1$c2FsdA$ZGlnZXN0"
    for number, text in enumerate([bcrypt, strange, "plain text"]):
        service.add_user(f"u{number}@example.org")
        set_hash(service, f"u{number}@example.org", password_hash=text)

    answer = service.admin("GET", "/admin/in-use")
    assert answer.json["hash_formats"] == []
    assert answer.json["hashes_of_no_format"] == 3
    assert "abcdefgh" not in answer.text
    assert "ZGlnZXN0" not in answer.text


def test_a_dear_format_is_shown_and_not_made(service) -> None:
    dear = "argon2id v=19 m=1048576 t=16 p=4 salt=16 digest=32"
    service.add_user("u@example.org")
    encoded = f"{HashFormat.parse(dear).costs}{'A' * 22}${'A' * 43}"
    set_hash(service, "u@example.org", password_hash=encoded)

    shown = service.admin("GET", "/admin/in-use").json["hash_formats"]
    assert shown == [{"format": dear, "users": 1, "can_be_probed": False}]
    assert add_probe(service, "p@probe.invalid", dear).status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "bcrypt",
        "",
        f"{PLAIN} ",
        "argon2id v=7 m=64 t=1 p=1 salt=16 digest=32",
        "argon2id v=19 m=64 t=0 p=1 salt=16 digest=32",
        "argon2id v=19 m=64 t=1 p=9 salt=16 digest=32",
        "argon2id v=19 m=64 t=1 p=1 salt=7 digest=32",
        "argon2id v=19 m=64 t=1 p=1 salt=16 digest=3",
        "argon2id v=19 m=1048577 t=1 p=1 salt=16 digest=32",
    ],
)
def test_a_format_that_cannot_be_made_is_refused(service, text) -> None:
    answer = add_probe(service, "p@probe.invalid", text)
    assert answer.status_code == 400
    assert "/admin/in-use" in answer.json["hint"]


def test_only_probes_ask_for_a_format(service) -> None:
    body = {"email": "u@example.org", "password": PASSWORD, "hash_format": PLAIN}
    answer = service.admin("POST", "/admin/users", body)
    assert answer.status_code == 400
    assert "probe" in answer.json["message"]


def test_kinds_of_clients_are_told_by_their_number(service) -> None:
    service.add_client("a")
    service.add_client("b")
    service.add_client(
        "c", public=False, grants=["client_credentials"], redirect_uris=[], scopes=["read"]
    )
    service.add_client("d", audience="urn:d", probe=True)

    assert service.admin("GET", "/admin/in-use").json["client_kinds"] == [
        {
            "public": True,
            "grants": ["authorization_code", "refresh_token"],
            "own_audience": False,
            "own_scopes": False,
            "clients": 2,
        },
        {
            "public": False,
            "grants": ["client_credentials"],
            "own_audience": False,
            "own_scopes": True,
            "clients": 1,
        },
    ]


def test_it_is_for_the_holder_of_the_admin_token(service) -> None:
    assert service.admin("GET", "/admin/in-use", token="another").status_code == 401


def test_a_name_that_is_not_ascii_is_found_however_it_is_typed(service) -> None:
    composed, decomposed = "p\u00f6st@probe.invalid", "po\u0308st@probe.invalid"
    password = "p\u00e4ssw\u00f6rd-\u65e5\u672c\u8a9e"
    service.add_user(composed, password)
    typed = "pa\u0308sswo\u0308rd-\u65e5\u672c\u8a9e"
    assert service.edge().sign_in(decomposed, typed).status_code == 303

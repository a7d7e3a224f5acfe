"""Sign-ins are counted by network, once a request, and no address is told."""

from tests.identity_app import IdentityService


def told(service: IdentityService) -> dict[str, float]:
    """Return what the metrics say of clients."""
    prefix = "ostiary_identity_client_"
    lines = service.identity.metrics().decode().splitlines()
    pairs = (line.removeprefix(prefix).split(" ") for line in lines if line.startswith(prefix))
    return {name: float(value) for name, value in pairs}


def test_right_and_wrong_passwords_count_for_the_network_that_they_come_from(service) -> None:
    service.add_user("ada@example.org", "correct horse battery")
    office = service.edge(client_address="198.51.100.23")
    for password in ("correct horse battery", "wrong", "wrong"):
        office.sign_in(password=password)
    service.edge(client_address="203.0.113.9").sign_in()

    assert told(service) == {
        'share{rank="1"}': 0.75,
        'share{rank="2"}': 0.25,
        "networks": 2.0,
        "sign_ins": 4.0,
    }
    text = service.identity.metrics().decode()
    assert "198.51.100" not in text
    assert "203.0.113" not in text


def test_a_second_opinion_and_the_machine_itself_do_not_count(service) -> None:
    service.edge().sign_in(attempt=2)
    service.edge(client_address="127.0.0.1").sign_in()
    service.edge().get("/sign-in")

    assert told(service) == {"networks": 0.0, "sign_ins": 0.0}

import pytest

from ostiary.identity.sessions.networks import UNKNOWN, Networks, networks_of


@pytest.mark.parametrize(
    ("address", "network", "network_range"),
    [
        ("203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.7/32", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
    ],
)
def test_an_address_belongs_to_its_own_network_and_the_range_around_it(
    address: str, network: str, network_range: str
) -> None:
    assert networks_of(address) == Networks(network, network_range)


@pytest.mark.parametrize("address", ["", "unknown", "203.0.113.7:80", "1.2.3"])
def test_anything_else_is_not_known(address: str) -> None:
    assert networks_of(address) == UNKNOWN

from ipaddress import ip_address, ip_network

from ostiary.drills.attackers import address_of
from ostiary.drills.traffic_plan import NETWORKS_MAX


def test_each_network_of_an_attack_is_a_range_of_its_own_on_the_loopback_interface():
    addresses = [ip_address(address_of(number)) for number in range(NETWORKS_MAX)]

    assert all(address.is_loopback for address in addresses)
    ranges = {ip_network(f"{address}/24", strict=False) for address in addresses}
    assert len(ranges) == NETWORKS_MAX
    assert ip_network("127.0.0.0/24") not in ranges, "there the users come from"

"""The cookie by which a browser is known: nobody can make one, or make more of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostiary.identity.sessions.devices import ACCOUNTS_MAX, KNOWN_SECONDS, Device, KnownDevices
from ostiary.kernel.ids import SeededRandom, SystemRandom

NOW = 1_800_000_000
ADA, BOB = "a1b2c3d4e5f60718", "b1b2c3d4e5f60718"
devices = KnownDevices(b"secret", SystemRandom())


def read(cookie: str) -> Device | None:
    return devices.read(cookie)


def test_a_browser_is_known_for_the_account_it_signed_in_to_and_no_other() -> None:
    device = read(devices.remember(None, ADA, now=NOW).cookie)
    assert devices.knows(device, ADA, now=NOW)
    assert not devices.knows(device, BOB, now=NOW)
    assert not devices.knows(None, ADA, now=NOW)


def test_it_keeps_its_name_and_is_known_for_several_accounts() -> None:
    first = devices.remember(None, ADA, now=NOW)
    both = devices.remember(first, BOB, now=NOW)
    assert both.name == first.name
    assert devices.knows(both, ADA, now=NOW)
    assert devices.knows(both, BOB, now=NOW)


def test_signing_in_again_renews_one_proof_and_adds_none() -> None:
    first = devices.remember(None, ADA, now=NOW)
    later = devices.remember(first, ADA, now=NOW + KNOWN_SECONDS // 2)
    assert len(later.proofs) == 1
    assert devices.knows(later, ADA, now=NOW + KNOWN_SECONDS + 86_400)
    assert not devices.knows(first, ADA, now=NOW + KNOWN_SECONDS + 86_400)


def test_the_longest_unused_account_is_forgotten_first() -> None:
    device = devices.remember(None, ADA, now=NOW)
    for number in range(ACCOUNTS_MAX):
        device = devices.remember(device, f"account{number}", now=NOW)
    assert len(device.proofs) == ACCOUNTS_MAX
    assert not devices.knows(device, ADA, now=NOW)
    assert devices.read(device.cookie) == device
    assert len(device.cookie) < 256


def test_a_proof_is_worth_nothing_in_another_devices_cookie() -> None:
    adas = devices.remember(None, ADA, now=NOW)
    mallorys = devices.remember(None, BOB, now=NOW)
    moved = read(".".join((mallorys.name, *adas.proofs)))
    assert not devices.knows(moved, ADA, now=NOW)


def test_a_name_that_was_not_given_by_us_is_no_device() -> None:
    """Else anybody could pass for a browser that is perhaps known, and cost a read of the store."""
    device = devices.remember(None, ADA, now=NOW)
    made_up = "A" * 16 + device.name[16:]
    assert read(".".join((made_up, *device.proofs))) is None
    elsewhere = KnownDevices(b"another secret", SystemRandom())
    assert read(elsewhere.remember(None, ADA, now=NOW).cookie) is None


def test_a_proof_cannot_be_made_to_last_longer() -> None:
    device = devices.remember(None, ADA, now=NOW)
    (proof,) = device.proofs
    longer = read(f"{device.name}.ffff{proof[4:]}")
    assert not devices.knows(longer, ADA, now=NOW)


def test_another_services_proofs_are_worth_nothing_here() -> None:
    elsewhere = KnownDevices(b"another secret", SystemRandom())
    assert not devices.knows(elsewhere.remember(None, ADA, now=NOW), ADA, now=NOW)


def test_the_cookie_does_not_name_the_account() -> None:
    assert ADA not in devices.remember(None, ADA, now=NOW).cookie


@given(st.text(max_size=300))
def test_any_other_text_is_read_as_nobody_or_proves_nothing(text: str) -> None:
    assert not devices.knows(devices.read(text), ADA, now=NOW)


@pytest.mark.parametrize("rng", [SystemRandom(), SeededRandom(1)])
def test_what_is_written_can_be_read_whatever_makes_the_names(rng) -> None:
    maker = KnownDevices(b"secret", rng)
    device = maker.remember(None, ADA, now=NOW)
    assert maker.read(device.cookie) == device

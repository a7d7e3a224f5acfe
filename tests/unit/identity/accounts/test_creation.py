from collections import Counter
from contextlib import closing

import pytest

from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.configuration import IdentitySettings
from ostiary.identity.passwords.admission import GateLimits
from ostiary.identity.passwords.gate import Claim, HashGate
from ostiary.identity.passwords.hash_pool import HashPool
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.passwords.policy import WeakPasswordError
from ostiary.kernel.clock import to_unix
from ostiary.kernel.ids import SeededRandom
from tests.fakes.clock import FakeClock


class InstantHasher(PasswordHasher):
    """Keeps the password itself: these tests are not about hashing."""

    def __init__(self) -> None:
        pass

    def hash(self, password: str, _claim: Claim, **_: object) -> str:
        return password


def creation(seed: int = 1) -> AccountCreation:
    return AccountCreation(InstantHasher(), FakeClock(), SeededRandom(seed))


def test_a_new_account_keeps_the_address_as_written_and_finds_it_by_its_key() -> None:
    account = creation().prepare(" Ada@Example.org ", "correct horse", roles=["b", "a"])
    assert (account.email, account.email_key) == ("Ada@Example.org", "ada@example.org")
    assert account.roles == ("a", "b")
    assert account.created_at == to_unix(FakeClock().now())
    assert not account.disabled
    assert not account.probe


def test_a_weak_password_makes_no_account() -> None:
    with pytest.raises(WeakPasswordError):
        creation().prepare("ada@example.org", "short")


def test_the_first_digit_of_ids_is_evenly_distributed() -> None:
    maker = creation()
    ids = [maker.prepare(f"u{n}@example.org", "correct horse").id for n in range(3200)]
    counts = Counter(user_id[0] for user_id in ids)
    assert set(counts) == set("0123456789abcdef")
    # 200 of each expected; 5 standard deviations on either side.
    assert all(130 < count < 270 for count in counts.values())
    assert len(set(ids)) == len(ids)


def test_an_account_does_not_show_its_hash() -> None:
    gate = HashGate(GateLimits(slots=1, queue=1, wait_seconds_max=60.0), FakeClock())
    settings = IdentitySettings(hash_memory_kib=8192, hash_time_cost=1)
    with closing(HashPool(1)) as pool:
        hasher = PasswordHasher(settings, SeededRandom(1), gate, pool)
        account = AccountCreation(hasher, FakeClock(), SeededRandom(1)).prepare(
            "ada@example.org", "correct horse"
        )
    assert account.password_hash.startswith("$argon2id$")
    assert "argon2" not in repr(account)

import errno
import subprocess
import unicodedata
from collections.abc import Iterator
from contextlib import closing

import pytest
from argon2.exceptions import InvalidHashError

from ostiary.identity.configuration import IdentitySettings
from ostiary.identity.passwords.admission import GateLimits
from ostiary.identity.passwords.gate import HashGate, OverloadedError
from ostiary.identity.passwords.hash_pool import HashPool
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.passwords.policy import require_acceptable
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom


def gate() -> HashGate:
    return HashGate(GateLimits(slots=1, queue=4, wait_seconds_max=60.0), SystemClock())


@pytest.fixture(scope="module")
def pool() -> Iterator[HashPool]:
    processes = HashPool(1)
    yield processes
    processes.close()


@pytest.fixture
def hasher(pool: HashPool):
    def make(**settings: int) -> PasswordHasher:
        cheap = {"hash_memory_kib": 8192, "hash_time_cost": 1, **settings}
        return PasswordHasher(IdentitySettings(**cheap), SystemRandom(), gate(), pool)

    return make


def test_a_hash_accepts_its_password_and_no_other(hasher) -> None:
    made = hasher().hash("correct horse")
    assert hasher().verify(made, "correct horse")
    assert not hasher().verify(made, "correct horse ")
    assert not hasher().verify(made, "")


def test_the_same_password_has_another_hash_each_time(hasher) -> None:
    maker = hasher()
    assert maker.hash("correct horse") != maker.hash("correct horse")


def test_parameters_come_from_the_settings(hasher) -> None:
    made = hasher(hash_memory_kib=9216, hash_time_cost=2, hash_parallelism=1).hash("correct horse")
    assert made.startswith("$argon2id$v=19$m=9216,t=2,p=1$")


def test_the_default_cost_is_19_mib_twice(pool) -> None:
    made = PasswordHasher(IdentitySettings(), SystemRandom(), gate(), pool).hash("correct horse")
    assert made.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_hashes_of_earlier_parameters_go_on_verifying(hasher) -> None:
    made = hasher(hash_time_cost=3).hash("correct horse")
    assert hasher(hash_memory_kib=16384).verify(made, "correct horse")


def test_keyboards_that_compose_characters_differently_agree(hasher) -> None:
    made = hasher().hash("caf\u00e9 a\u0300 la cre\u0300me")
    assert hasher().verify(made, "cafe\u0301 \u00e0 la cr\u00e8me")


def test_damage_in_the_store_is_not_taken_for_a_wrong_password(hasher) -> None:
    with pytest.raises(InvalidHashError):
        hasher().verify("not a hash", "correct horse")


LONG = {"marks": "\u0345\u0300" * 16_000, "letters": "x" * 1025}


@pytest.mark.parametrize("password", LONG.values(), ids=list(LONG))
def test_a_text_too_long_for_a_password_is_a_wrong_password_and_is_never_normalised(
    password: str, pool, monkeypatch
) -> None:
    doorway = gate()
    cheap = IdentitySettings(hash_memory_kib=8192, hash_time_cost=1)
    maker = PasswordHasher(cheap, SystemRandom(), doorway, pool)
    made = maker.hash("correct horse")
    normalised: list[int] = []

    def normalise(_form: str, text: str) -> str:
        normalised.append(len(text))
        return text

    monkeypatch.setattr(unicodedata, "normalize", normalise)
    before = doorway.counts().hashed
    assert not maker.verify(made, password)
    maker.verify_nobody(password)
    assert sum(doorway.counts().hashed.values()) == sum(before.values()) + 2, "the work is the same"
    assert max(normalised) <= 1024
    with pytest.raises(ValueError, match="at most 1024"):
        maker.hash(password)


def test_the_longest_password_that_may_be_chosen_verifies(hasher) -> None:
    longest = "\u0345\u0300" * 256
    require_acceptable(longest, email_key="ada@example.org")
    assert hasher().verify(hasher().hash(longest), longest)


def test_an_unknown_user_costs_as_much_memory_and_time_as_a_known_one(hasher, monkeypatch) -> None:
    maker = hasher()
    verified: list[str] = []
    monkeypatch.setattr(maker, "verify", lambda made, *_rest: verified.append(made))
    maker.verify_nobody("correct horse")
    (nobodys,) = verified
    assert nobodys.split("$")[:4] == maker.hash("correct horse").split("$")[:4]


def test_where_no_process_can_be_started_the_password_is_not_checked(monkeypatch) -> None:
    cheap = IdentitySettings(hash_memory_kib=8192, hash_time_cost=1)
    with closing(HashPool(1)) as pool:
        maker = PasswordHasher(cheap, SystemRandom(), gate(), pool)
        with monkeypatch.context() as patch:
            patch.setattr(subprocess, "Popen", no_more_processes)
            pool.start()
            for _ in range(2):
                with pytest.raises(OverloadedError):
                    maker.hash("correct horse")
        assert maker.verify(maker.hash("correct horse"), "correct horse")


def no_more_processes(*_arguments: object, **_options: object) -> None:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

"""The guard keeps the certificate new, and keeps the former one where the new one is bad."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ostiary.edge.certificate_files import CertificateFiles
from ostiary.edge.certificates import Certificate
from ostiary.edge.files import XdsDirectory, secret_file
from ostiary.guard.certificate_watch import (
    CERTIFICATE_REFUSED,
    CERTIFICATE_TAKEN,
    CertificateWatch,
    choose_certificate,
)
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.journal import Journal
from tests.certificates import DAY, HOST, Authority, Pair
from tests.fakes.clock import FakeClock


class Envoys:
    """Takes every certificate, or none."""

    def __init__(self) -> None:
        self.served: list[Certificate] = []
        self.refuses = False

    async def replace_certificate(self, certificate: Certificate) -> None:
        if self.refuses:
            raise RefusedError("certificate_refused", "Envoy does not accept it.")
        self.served.append(certificate)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def clock() -> FakeClock:
    # An hour on, so that the whole days left do not depend on the second in which a pair is made.
    return FakeClock(datetime.now(UTC) + timedelta(hours=1))


@pytest.fixture
def files(authority: Authority, tmp_path: Path) -> CertificateFiles:
    return CertificateFiles(*authority.issue().put(tmp_path / "tls"), HOST)


@pytest.fixture
def envoys() -> Envoys:
    return Envoys()


@pytest.fixture
def journal(tmp_path: Path, clock: FakeClock) -> Iterator[Journal]:
    journal = Journal(tmp_path / "guard.db", clock)
    yield journal
    journal.close()


@pytest.fixture
def watch(
    files: CertificateFiles, envoys: Envoys, journal: Journal, clock: FakeClock, tmp_path: Path
) -> CertificateWatch:
    chosen = choose_certificate(files, tmp_path / "edge", clock.now(), running=False)
    return CertificateWatch(files, chosen, user=envoys, journal=journal, clock=clock)


def look(watch: CertificateWatch, times: int = 3) -> None:
    for _ in range(times):
        asyncio.run(watch.look())


def put(pair: Pair, files: CertificateFiles) -> None:
    pair.put(files.certificate.parent)


def kinds(journal: Journal) -> list[str]:
    return [entry.kind for entry in journal.entries()]


def test_files_that_stay_the_same_are_left_alone(
    watch: CertificateWatch, envoys: Envoys, journal: Journal
) -> None:
    look(watch, 5)

    assert envoys.served == []
    assert kinds(journal) == []
    status = watch.status()
    assert (status["days_left"], status["problem"]) == (89, None)


def test_a_new_pair_is_served_once_and_recorded(
    watch: CertificateWatch,
    files: CertificateFiles,
    envoys: Envoys,
    journal: Journal,
    authority: Authority,
) -> None:
    look(watch)
    put(authority.issue(end=30 * DAY), files)
    look(watch, 5)

    assert [each.fingerprint for each in envoys.served] == [watch.served.fingerprint]
    assert kinds(journal) == [CERTIFICATE_TAKEN]
    assert watch.status()["days_left"] == 29
    assert watch.trusted() == (watch.served,)


def test_a_pair_between_its_two_files_is_not_judged(
    watch: CertificateWatch,
    files: CertificateFiles,
    envoys: Envoys,
    journal: Journal,
    authority: Authority,
) -> None:
    look(watch)
    new = authority.issue()
    files.certificate.write_bytes(new.chain)
    look(watch, 1)
    files.key.write_bytes(new.key)
    look(watch)

    assert kinds(journal) == [CERTIFICATE_TAKEN]
    assert len(envoys.served) == 1


def test_a_bad_pair_is_told_once_and_the_former_one_serves_on_until_a_good_one_comes(
    watch: CertificateWatch,
    files: CertificateFiles,
    envoys: Envoys,
    journal: Journal,
    clock: FakeClock,
    authority: Authority,
) -> None:
    look(watch)
    before = watch.served
    put(authority.issue("other.example.com"), files)
    look(watch, 5)
    clock.advance(120)
    look(watch)

    assert envoys.served == []
    assert watch.served == before
    assert kinds(journal) == [CERTIFICATE_REFUSED]
    (entry,) = journal.entries()
    assert entry.data["code"] == "certificate_for_another_name"
    assert "other.example.com" in watch.status()["problem"]

    put(authority.issue(), files)
    look(watch)
    assert kinds(journal) == [CERTIFICATE_REFUSED, CERTIFICATE_TAKEN]
    assert watch.status()["problem"] is None


def test_missing_files_are_a_problem_and_no_end(
    watch: CertificateWatch, files: CertificateFiles, journal: Journal
) -> None:
    look(watch)
    content = files.key.read_bytes()
    files.key.unlink()
    look(watch)
    assert "There is no file" in watch.status()["problem"]

    files.key.write_bytes(content)
    files.key.chmod(0o600)
    look(watch)
    assert watch.status()["problem"] is None
    assert kinds(journal) == [CERTIFICATE_REFUSED]


def test_a_pair_that_is_not_yet_valid_is_served_when_its_time_comes(
    watch: CertificateWatch,
    files: CertificateFiles,
    envoys: Envoys,
    clock: FakeClock,
    authority: Authority,
) -> None:
    look(watch)
    put(authority.issue(start=DAY, end=60 * DAY), files)
    look(watch)
    assert envoys.served == []

    clock.advance(2 * 86_400)
    look(watch, 1)
    assert len(envoys.served) == 1


def test_what_envoys_refuse_is_a_problem_and_tried_again(
    watch: CertificateWatch,
    files: CertificateFiles,
    envoys: Envoys,
    clock: FakeClock,
    authority: Authority,
) -> None:
    look(watch)
    envoys.refuses = True
    put(authority.issue(), files)
    look(watch)
    assert "Envoy does not accept it" in watch.status()["problem"]

    envoys.refuses = False
    clock.advance(61)
    look(watch, 1)
    assert len(envoys.served) == 1
    assert watch.status()["problem"] is None


@pytest.mark.parametrize(
    ("days", "words"), [(13.5, "expires in 13 days"), (-1, "expired at"), (20, None)]
)
def test_the_end_is_warned_of(
    days: float, words: str | None, watch: CertificateWatch, clock: FakeClock
) -> None:
    clock.advance((watch.served.not_after - clock.now() - timedelta(days=days)).total_seconds())

    problem = watch.status()["problem"]

    assert problem is None if words is None else words in problem


def test_at_the_start_a_good_copy_is_taken_where_the_files_are_bad(
    files: CertificateFiles, authority: Authority, clock: FakeClock, tmp_path: Path
) -> None:
    edge = tmp_path / "edge"
    kept = files.load(clock.now())
    XdsDirectory(edge).write(secret_file(kept))
    put(authority.issue(start=-2 * DAY, end=-DAY), files)

    chosen = choose_certificate(files, edge, clock.now(), running=False)

    assert chosen.certificate == kept
    assert "expired" in chosen.problem


def test_at_the_start_an_expired_copy_is_refused_but_not_under_a_running_system(
    files: CertificateFiles, clock: FakeClock, tmp_path: Path
) -> None:
    edge = tmp_path / "edge"
    kept = files.load(clock.now())
    XdsDirectory(edge).write(secret_file(kept))
    later = clock.now() + 100 * DAY

    with pytest.raises(RefusedError) as caught:
        choose_certificate(files, edge, later, running=False)
    assert caught.value.code == "certificate_expired"

    chosen = choose_certificate(files, edge, later, running=True)
    assert chosen.certificate == kept
    assert "expired" in chosen.problem

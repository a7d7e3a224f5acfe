"""Each way in which a certificate or its key can be wrong has its own words."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from ostiary.edge.certificate_files import CertificateFiles, kept_certificate
from ostiary.edge.certificate_reading import PairNames, read_pair
from ostiary.edge.certificates import check_host
from ostiary.edge.files import XdsDirectory, secret_file
from ostiary.kernel.clock import to_rfc3339
from ostiary.kernel.errors import ExitCode, RefusedError
from tests.certificates import DAY, HOST, Authority, Pair, new_key, pem


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture(scope="module")
def good(authority: Authority) -> Pair:
    return authority.issue()


def files_of(pair: Pair, directory: Path) -> CertificateFiles:
    return CertificateFiles(*pair.put(directory), HOST)


def refusal(files: CertificateFiles, now: datetime | None = None) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        files.load(now or datetime.now(UTC))
    assert caught.value.exit_code == ExitCode.REFUSED
    assert caught.value.hint
    return caught.value


def test_a_good_pair_is_read_with_its_names_and_times(good: Pair, tmp_path: Path) -> None:
    found = files_of(good, tmp_path).load(datetime.now(UTC))

    assert found.names == (HOST,)
    assert found.chain.count("BEGIN CERTIFICATE") == 2
    assert found.days_left(datetime.now(UTC)) == 89
    assert len(found.fingerprint) == 64
    assert found.key not in repr(found)


def test_one_file_may_hold_both_and_only_what_belongs_is_taken(good: Pair, tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    both.write_bytes(b"Bag Attributes \xe4\n" + good.key + good.chain)

    found = CertificateFiles(both, both, HOST).load(datetime.now(UTC))

    assert "KEY" not in found.chain
    assert "CERTIFICATE" not in found.key


@pytest.mark.parametrize(
    ("chain", "key", "code", "words"),
    [
        (b"no certificate", None, "certificate_not_pem", "cert.pem holds no certificate in PEM."),
        (b"", None, "certificate_not_pem", "cert.pem holds no certificate in PEM."),
        (None, b"no key", "key_not_pem", "key.pem holds no private key in PEM."),
        (
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            None,
            "certificate_damaged",
            "A certificate in cert.pem cannot be read.",
        ),
        (
            None,
            b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
            "key_damaged",
            "The key in key.pem cannot be read.",
        ),
        (
            None,
            pem(new_key(), b"passphrase"),
            "key_encrypted",
            (
                "The key in key.pem is encrypted with a passphrase, which nobody could type at a "
                "restart."
            ),
        ),
        (
            None,
            pem(new_key()),
            "certificate_key_mismatch",
            "The key in key.pem does not belong to the certificate in cert.pem.",
        ),
    ],
)
def test_what_is_no_pair_is_told_by_its_file(
    chain: bytes | None, key: bytes | None, code: str, words: str, good: Pair
) -> None:
    names = PairNames("cert.pem", "key.pem")
    with pytest.raises(RefusedError) as caught:
        read_pair(good.chain if chain is None else chain, key or good.key, names)

    assert (caught.value.code, caught.value.message) == (code, words)


def test_exchanged_files_are_recognized(good: Pair) -> None:
    with pytest.raises(RefusedError, match="may be exchanged"):
        read_pair(good.key, good.chain, PairNames("cert.pem", "key.pem"))


def test_a_chain_in_the_wrong_order_is_told(authority: Authority, good: Pair) -> None:
    marker = b"-----BEGIN CERTIFICATE-----"
    leaf, intermediate = (marker + part for part in good.chain.split(marker)[1:])
    other = Authority().issue().chain.split(marker)[2]
    for chain, number in ((leaf + leaf, 2), (leaf + intermediate + intermediate, 3)):
        with pytest.raises(RefusedError) as caught:
            read_pair(chain, good.key, PairNames("cert.pem", "key.pem"))
        assert caught.value.message == (
            f"Certificate {number} in cert.pem did not issue certificate {number - 1}."
        )
    with pytest.raises(RefusedError, match="did not issue"):
        read_pair(leaf + marker + other, good.key, PairNames("cert.pem", "key.pem"))


def test_a_certificate_for_clients_is_not_for_servers(authority: Authority) -> None:
    pair = authority.issue(usage=ExtendedKeyUsageOID.CLIENT_AUTH)
    with pytest.raises(RefusedError, match=r"in cert\.pem is not meant for servers\."):
        read_pair(pair.chain, pair.key, PairNames("cert.pem", "key.pem"))


def test_a_certificate_is_refused_outside_its_time(authority: Authority, tmp_path: Path) -> None:
    files = files_of(authority.issue(start=-2 * DAY, end=-DAY), tmp_path)
    expired = refusal(files)
    assert expired.code == "certificate_expired"
    assert expired.message.startswith(f"The certificate in {tmp_path / 'cert.pem'} expired at 20")

    files = files_of(authority.issue(start=DAY, end=2 * DAY), tmp_path)
    now = datetime.now(UTC)
    early = refusal(files, now)
    assert early.code == "certificate_not_yet_valid"
    assert f"it is {to_rfc3339(now)} now" in early.message
    assert files.load(now + timedelta(hours=36)).names == (HOST,)


@pytest.mark.parametrize(
    ("names", "host", "covered"),
    [
        (("login.example.com",), "LOGIN.example.com", True),
        (("other.example.com", "login.example.com"), "login.example.com", True),
        (("*.example.com",), "login.example.com", True),
        (("*.example.com",), "example.com", False),
        (("*.example.com",), "a.login.example.com", False),
        (("*.com",), "example.com", False),
        (("login.example.com",), "login.example.org", False),
        (("192.0.2.1",), "192.0.2.1", True),
        (("2001:db8::1",), "2001:db8:0::1", True),
        (("192.0.2.1",), "192.0.2.2", False),
        (("",), "login.example.com", False),
    ],
)
def test_a_certificate_is_for_the_public_host(
    names: tuple[str, ...], host: str, covered: bool, authority: Authority
) -> None:
    pair = authority.issue(*names)
    certificate = read_pair(pair.chain, pair.key, PairNames("cert.pem", "key.pem"))

    if covered:
        check_host(certificate, host, "cert.pem")
        return
    with pytest.raises(RefusedError) as caught:
        check_host(certificate, host, "cert.pem")
    said = ", ".join(name for name in names if name) or "no name at all"
    assert caught.value.message == (
        f"The certificate in cert.pem is for {said}, not for {host}, the host of `edge.public_url`."
    )


def test_files_that_are_missing_unreadable_or_too_large_are_told(
    good: Pair, tmp_path: Path
) -> None:
    files = files_of(good, tmp_path)
    files.key.unlink()
    missing = refusal(files)
    assert missing.message == f"There is no file {files.key}, which `edge.key` names."

    files.key.mkdir()
    unreadable = refusal(files)
    assert unreadable.message == (
        f"{files.key}, which `edge.key` names, cannot be read: Is a directory."
    )

    files.certificate.write_bytes(b"a" * 300_000)
    assert refusal(files).code == "certificate_too_large"


def test_a_key_that_every_user_can_read_is_warned_of(good: Pair, tmp_path: Path) -> None:
    files = files_of(good, tmp_path)
    assert files.key_warning() == ""
    files.key.chmod(0o640)
    assert files.key_warning() == ""
    files.key.chmod(0o644)
    assert str(files.key) in files.key_warning()


def test_the_digest_follows_both_files(good: Pair, tmp_path: Path) -> None:
    files = files_of(good, tmp_path)
    first = files.digest()
    files.key.write_bytes(good.key + b"\n")
    second = files.digest()
    files.certificate.unlink()

    assert len({first, second, files.digest()}) == 3


def test_the_copy_is_read_back_and_a_damaged_one_is_none(good: Pair, tmp_path: Path) -> None:
    certificate = read_pair(good.chain, good.key, PairNames("cert.pem", "key.pem"))
    assert kept_certificate(tmp_path) is None

    XdsDirectory(tmp_path).write(secret_file(certificate))
    assert kept_certificate(tmp_path) == certificate
    copy = tmp_path / "xds" / "sds" / "sds.json"
    assert copy.stat().st_mode & 0o077 == 0
    copy.write_bytes(copy.read_bytes().replace(b"BEGIN PRIVATE", b"BEGIN PUBLIC"))
    assert kept_certificate(tmp_path) is None

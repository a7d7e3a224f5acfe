"""Reading a certificate chain and its private key.

Everything is told by the name of the file that it stands in. What a key says is never shown.
"""

import itertools
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID

from ostiary.edge.certificates import Certificate
from ostiary.kernel.errors import RefusedError


@dataclass(frozen=True, slots=True)
class PairNames:
    """What people call the two files."""

    certificate: str
    key: str


def read_pair(chain: bytes, key: bytes, names: PairNames) -> Certificate:
    """Return the certificate in the content of two files. Raises `RefusedError` with the reason."""
    certificates = _read_chain(chain, names)
    private = _read_key(key, names)
    leaf = certificates[0]
    if _public(leaf.public_key()) != _public(private.public_key()):
        raise _refused(
            "certificate_key_mismatch",
            f"The key in {names.key} does not belong to the certificate in {names.certificate}.",
            "Write the key with which this certificate was requested; the certificate of the "
            "host comes first in its file.",
        )
    _check_order(certificates, names)
    _check_use(leaf, names)
    return Certificate(
        # Written anew: a file may hold more than it should, such as the key beside the chain.
        chain="".join(each.public_bytes(Encoding.PEM).decode() for each in certificates),
        key=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        fingerprint=leaf.fingerprint(SHA256()).hex(),
        names=_names(leaf),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
    )


def _read_chain(content: bytes, names: PairNames) -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" not in content:
        hint = (
            "It holds a private key: `certificate` and `key` may be exchanged."
            if b"PRIVATE KEY-----" in content
            else "Write it as PEM, which begins with -----BEGIN CERTIFICATE-----. From DER: "
            "openssl x509 -inform der -in FILE"
        )
        raise _refused(
            "certificate_not_pem", f"{names.certificate} holds no certificate in PEM.", hint
        )
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError:
        raise _refused(
            "certificate_damaged",
            f"A certificate in {names.certificate} cannot be read.",
            "The file is cut or damaged; copy it anew.",
        ) from None


def _read_key(content: bytes, names: PairNames) -> PrivateKeyTypes:
    if b"PRIVATE KEY-----" not in content:
        raise _refused(
            "key_not_pem",
            f"{names.key} holds no private key in PEM.",
            "Write it as PEM, which begins with -----BEGIN PRIVATE KEY-----.",
        )
    try:
        return load_pem_private_key(content, password=None)
    except TypeError:
        raise _refused(
            "key_encrypted",
            f"The key in {names.key} is encrypted with a passphrase, which nobody could type at "
            "a restart.",
            "Write it without one, readable by its owner only: openssl pkey -in FILE -out NEW",
        ) from None
    except ValueError:
        raise _refused(
            "key_damaged",
            f"The key in {names.key} cannot be read.",
            "The file is cut or damaged; copy it anew.",
        ) from None


def _check_order(chain: list[x509.Certificate], names: PairNames) -> None:
    """Object to a chain whose next certificate did not issue the one before."""
    for number, (issued, issuer) in enumerate(itertools.pairwise(chain), start=1):
        try:
            issued.verify_directly_issued_by(issuer)
        except Exception:  # noqa: BLE001 - one kind of error for each way to be no issuer
            raise _refused(
                "certificate_chain_broken",
                f"Certificate {number + 1} in {names.certificate} did not issue certificate "
                f"{number}.",
                "Write the certificate of the host first, then the one that issued it, and so "
                "on; the root may be left out.",
            ) from None


def _check_use(leaf: x509.Certificate, names: PairNames) -> None:
    try:
        usage = leaf.extensions.get_extension_for_oid(ExtensionOID.EXTENDED_KEY_USAGE).value
    except (x509.ExtensionNotFound, ValueError):
        return
    if isinstance(usage, x509.ExtendedKeyUsage) and not (
        {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage)
    ):
        raise _refused(
            "certificate_not_for_servers",
            f"The certificate in {names.certificate} is not meant for servers.",
            "Request one whose extended key usage names server authentication.",
        )


def _names(leaf: x509.Certificate) -> tuple[str, ...]:
    try:
        extension = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (x509.ExtensionNotFound, ValueError):
        return ()
    hosts = extension.value.get_values_for_type(x509.DNSName)
    addresses = extension.value.get_values_for_type(x509.IPAddress)
    return (*(host.lower() for host in hosts), *(str(address) for address in addresses))


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _refused(code: str, message: str, hint: str) -> RefusedError:
    return RefusedError(code, message, hint=hint)

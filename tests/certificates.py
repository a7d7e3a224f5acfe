"""A certificate authority of the tests' own, and TLS clients that trust it."""

import ipaddress
import socket
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = timedelta(days=1)
HOST = "login.example.com"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: CertificateIssuerPrivateKeyTypes, passphrase: bytes = b"") -> bytes:
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


@dataclass(frozen=True)
class Pair:
    chain: bytes
    key: bytes
    serial: int

    def put(self, directory: Path) -> tuple[Path, Path]:
        """Write both files as a renewal does, one after the other; return their paths."""
        directory.mkdir(exist_ok=True)
        files = directory / "cert.pem", directory / "key.pem"
        for file, content in zip(files, (self.chain, self.key), strict=True):
            file.write_bytes(content)
            file.chmod(0o600)
        return files


class Authority:
    """A root and an intermediate that issues certificates for hosts."""

    def __init__(self) -> None:
        self._root_key, self._key = new_key(), new_key()
        root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "root of the tests")])
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "issuer of the tests")])
        now = datetime.now(UTC)
        times = (now - DAY, now + 3650 * DAY)
        self.root = _issue(root, root, self._root_key, self._root_key, times, is_authority=True)
        self.intermediate = _issue(
            self._name, root, self._key, self._root_key, times, is_authority=True
        )

    def issue(
        self,
        *names: str,
        start: timedelta = -DAY,
        end: timedelta = 90 * DAY,
        key: CertificateIssuerPrivateKeyTypes | None = None,
        usage: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
    ) -> Pair:
        own = key or new_key()
        now = datetime.now(UTC)
        leaf = _issue(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)]),
            self._name,
            own,
            self._key,
            (now + start, now + end),
            names=names or (HOST,),
            usage=usage,
        )
        chain = b"".join(each.public_bytes(Encoding.PEM) for each in (leaf, self.intermediate))
        return Pair(chain, pem(own), leaf.serial_number)

    def client(self, *alpn: str, newest: ssl.TLSVersion | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(
            cadata=self.root.public_bytes(Encoding.PEM).decode("ascii")
        )
        if alpn:
            context.set_alpn_protocols(list(alpn))
        if newest is not None:
            context.maximum_version = newest
        return context


def _issue(
    subject: x509.Name,
    issuer: x509.Name,
    key: CertificateIssuerPrivateKeyTypes,
    issuer_key: CertificateIssuerPrivateKeyTypes,
    times: tuple[datetime, datetime],
    *,
    names: tuple[str, ...] = (),
    is_authority: bool = False,
    usage: x509.ObjectIdentifier | None = None,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(times[0])
        .not_valid_after(times[1])
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if names and names != ("",):
        alternatives = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = builder.add_extension(alternatives, critical=False)
    if usage is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def connect(port: int, context: ssl.SSLContext, host: str = HOST) -> ssl.SSLSocket:
    """Open a TLS connection to a port of this machine, asking for `host`."""
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    try:
        return context.wrap_socket(plain, server_hostname=host)
    except BaseException:
        plain.close()
        raise


def served_serial(port: int, context: ssl.SSLContext) -> int:
    """Return the serial number of the certificate that a new connection is shown."""
    with connect(port, context) as connection:
        der = connection.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der).serial_number


def ask(connection: socket.socket, path: str = "/demo") -> bytes:
    """Send one request on an open connection and return the answer's head and body."""
    connection.sendall(f"GET {path} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode())
    return read_answer(connection)


def read_answer(connection: socket.socket) -> bytes:
    """Read one HTTP/1.1 answer with a content-length; empty when the connection ends."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65_536)
        if not part:
            return data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [
        int(line.split(b":")[1])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length:")
    ]
    while lengths and len(body) < lengths[0]:
        part = connection.recv(65_536)
        if not part:
            break
        body += part
    return head + b"\r\n\r\n" + body

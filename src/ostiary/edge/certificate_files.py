"""The two files that an operator writes, and the copy of them that Envoys are served."""

import stat
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ostiary.edge.bootstrap import CERTIFICATE_FILE
from ostiary.edge.certificate_reading import PairNames, read_pair
from ostiary.edge.certificates import Certificate, check_host, check_time
from ostiary.edge.files import XdsDirectory
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.hashing import content_hash

_BYTES_MAX = 256 * 1024


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where an operator puts certificate and key, and the host that they must be for."""

    certificate: Path
    key: Path
    host: str

    def digest(self) -> str:
        """Return what changes when either file does, also when it goes away."""
        return content_hash([_peek(self.certificate), _peek(self.key)])

    def load(self, now: datetime) -> Certificate:
        """Return the certificate that is fit to be served now.

        Raises `RefusedError` with the first reason why there is none.
        """
        names = PairNames(str(self.certificate), str(self.key))
        chain = _read(self.certificate, "certificate")
        key = _read(self.key, "key")
        found = read_pair(chain, key, names)
        self.judge(found, now)
        return found

    def judge(self, certificate: Certificate, now: datetime) -> None:
        """Raise `RefusedError` where a certificate does not fit the time or the host."""
        check_time(certificate, now, str(self.certificate))
        check_host(certificate, self.host, str(self.certificate))

    def key_warning(self) -> str:
        """Return the objection to a key that every user of the machine can read; else nothing."""
        try:
            mode = self.key.stat().st_mode
        except OSError:
            return ""
        if mode & stat.S_IROTH:
            return f"every user of this machine can read {self.key}; run chmod o= on it"
        return ""


def kept_certificate(edge_directory: Path) -> Certificate | None:
    """Return the copy from which Envoys are served; None where there is none that can be read."""
    file = XdsDirectory(edge_directory).read(CERTIFICATE_FILE)
    if file is None:
        return None
    try:
        pair = file.resources[0]["tls_certificate"]
        chain, key = (
            str(pair[name]["inline_string"]).encode()
            for name in ("certificate_chain", "private_key")
        )
        return read_pair(chain, key, PairNames("the copy", "the copy"))
    except (LookupError, TypeError, RefusedError):
        return None


def _peek(path: Path) -> str:
    try:
        return _content(path).hex()
    except OSError as problem:
        return f"errno {problem.errno}"


def _read(path: Path, setting: str) -> bytes:
    try:
        content = _content(path)
    except FileNotFoundError:
        raise RefusedError(
            f"{setting}_missing",
            f"There is no file {path}, which `edge.{setting}` names.",
            hint="A path that is not absolute begins at the settings file.",
        ) from None
    except OSError as problem:
        raise RefusedError(
            f"{setting}_unreadable",
            f"{path}, which `edge.{setting}` names, cannot be read: {problem.strerror}.",
            hint="Let the user that runs Ostiary read it.",
        ) from problem
    if len(content) > _BYTES_MAX:
        raise RefusedError(
            f"{setting}_too_large",
            f"{path}, which `edge.{setting}` names, is larger than {_BYTES_MAX} bytes.",
            hint="Name the file of the certificate and its chain, no bundle of authorities.",
        )
    return content


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_BYTES_MAX + 1)

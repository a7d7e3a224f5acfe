"""Keeping the edge's certificate new: its files are watched, and a good pair is served at once.

A pair that is not good is refused loudly, and the former one serves on: a half-copied renewal
must not take the login service away.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from ostiary.edge.certificate_files import CertificateFiles, kept_certificate
from ostiary.edge.certificates import WARNING_DAYS, Certificate
from ostiary.kernel.clock import Clock, to_rfc3339
from ostiary.kernel.errors import OstiaryError, RefusedError
from ostiary.kernel.journal import Journal, JournalError

CERTIFICATE_TAKEN = "certificate_taken"
CERTIFICATE_REFUSED = "certificate_refused"

_LOOK_SECONDS = 1.0
_JUDGE_AGAIN_SECONDS = 60.0
"""What was refused may become good without a change: by the time, or by Envoy's restart."""


class CertificateUser(Protocol):
    """What serves the certificate."""

    async def replace_certificate(self, certificate: Certificate) -> None:
        """Serve another one; raises `OstiaryError` where that does not succeed."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The certificate to start with, and what is wrong with the files where it is the copy."""

    certificate: Certificate
    problem: str = ""


def choose_certificate(
    files: CertificateFiles, edge_directory: Path, now: datetime, *, running: bool
) -> Chosen:
    """Return the certificate to start with: that of the files, or else the copy served before.

    Raises `RefusedError` where neither can be served. Where the system is `running`, its copy is
    taken even when it has expired: a guard that stayed away would help nobody.
    """
    try:
        return Chosen(files.load(now))
    except RefusedError as problem:
        kept = kept_certificate(edge_directory)
        if kept is None:
            raise
        if not running:
            try:
                files.judge(kept, now)
            except RefusedError:
                raise problem from None
        return Chosen(kept, str(problem))


class CertificateWatch:
    """Watches the two files for one guard. `look` is one round; `run` goes on for ever."""

    def __init__(
        self,
        files: CertificateFiles,
        chosen: Chosen,
        *,
        user: CertificateUser,
        journal: Journal,
        clock: Clock,
    ) -> None:
        self._files = files
        self._user = user
        self._journal = journal
        self._clock = clock
        self.served = chosen.certificate
        self._coming = chosen.certificate
        self._problem = chosen.problem
        self._told = ""
        self._seen = ""
        self._judged = ""
        self._judged_at = 0.0

    async def run(self) -> None:
        """Look for ever. Raises `JournalError` when nothing can be recorded any more."""
        while True:
            await self.look()
            await asyncio.sleep(_LOOK_SECONDS)

    async def look(self) -> None:
        """Take a new pair when its files have been the same for two looks."""
        digest = await asyncio.to_thread(self._files.digest)
        settled, self._seen = digest == self._seen, digest
        # Two files are written one after the other; in between they do not fit together.
        if not settled:
            return
        now = self._clock.monotonic()
        again = bool(self._problem) and now - self._judged_at >= _JUDGE_AGAIN_SECONDS
        if digest == self._judged and not again:
            return
        self._judged, self._judged_at = digest, now
        try:
            found = await asyncio.to_thread(self._files.load, self._clock.now())
            if found != self.served:
                self._coming = found
                await self._user.replace_certificate(found)
                self.served = found
                self._record(CERTIFICATE_TAKEN, _facts(found))
        except JournalError:
            raise
        except OstiaryError as problem:
            self._refuse(problem)
        except OSError as problem:
            self._refuse(_not_copied(problem))
        else:
            self._problem = self._told = ""

    def trusted(self) -> tuple[Certificate, ...]:
        """Return what the edge may show now; two, while one is being replaced."""
        return tuple({self.served, self._coming})

    def status(self) -> dict[str, Any]:
        """Return the end of the certificate that is served, and what is wrong, as JSON."""
        days = self.served.days_left(self._clock.now())
        problems = [self._problem, _expiry(self.served, days), self._files.key_warning()]
        return {
            "not_after": to_rfc3339(self.served.not_after),
            "days_left": days,
            "problem": "; ".join(problem for problem in problems if problem) or None,
        }

    def _refuse(self, problem: OstiaryError) -> None:
        self._problem = str(problem)
        if self._told != self._problem:
            self._told = self._problem
            data = {"code": problem.code, "message": problem.message, "served": _facts(self.served)}
            self._record(CERTIFICATE_REFUSED, data)

    def _record(self, kind: str, data: dict[str, Any]) -> None:
        self._journal.append(kind, None, data)


async def watching(watch: CertificateWatch | None) -> None:
    """Watch for ever; without a certificate there is nothing to see, and no end either."""
    if watch is not None:
        await watch.run()
    await asyncio.Event().wait()


def described(watch: CertificateWatch | None) -> dict[str, Any] | None:
    """Return the status of the certificate, None where the edge speaks plain HTTP."""
    return None if watch is None else watch.status()


def _not_copied(problem: OSError) -> OstiaryError:
    return OstiaryError(
        "certificate_not_copied",
        f"The certificate cannot be copied into the data directory: {problem.strerror}.",
        hint="The former one serves on.",
    )


def _facts(certificate: Certificate) -> dict[str, Any]:
    return {
        "sha256": certificate.fingerprint,
        "names": list(certificate.names),
        "not_after": to_rfc3339(certificate.not_after),
    }


def _expiry(certificate: Certificate, days: int) -> str:
    if days < 0:
        return f"the certificate that is served expired at {to_rfc3339(certificate.not_after)}"
    if days < WARNING_DAYS:
        return f"the certificate that is served expires in {days} days"
    return ""

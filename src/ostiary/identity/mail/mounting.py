"""Putting mail together from the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.mail.sending import MailSender
from ostiary.identity.mail.smtp import SmtpTransport, parse_server
from ostiary.identity.mail.writing import Mails
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock
from ostiary.kernel.errors import RefusedError
from ostiary.kernel.ids import Random


@dataclass(frozen=True, slots=True)
class Mail:
    """What the rest of the service uses of mail. `start` begins to send, `stop` ends it."""

    mails: Mails
    start: Callable[[], None]
    stop: Callable[[], None]


def open_mail(
    configuration: ReplicaConfiguration, store: Store, *, clock: Clock, rng: Random
) -> Mail:
    """Return mail as the settings want it; without a server nothing is written or sent.

    Raises `RefusedError` for settings that cannot be, and for a password file that is not there.
    """
    settings = configuration.settings
    if not settings.mail_smtp_url:
        return Mail(Mails(configuration.issuer, enabled=False), _nothing, _nothing)
    server = parse_server(settings.mail_smtp_url, password_file=settings.mail_smtp_password_file)
    if server.password_file:
        _require_readable(server.password_file)
    domain = settings.mail_from.rpartition("@")[2]
    if not domain:
        raise RefusedError(
            "mail_from_missing",
            "The setting `mail_smtp_url` needs `mail_from`, the address that mail comes from.",
            hint="Write an address such as login@example.com.",
        )
    sender = MailSender(
        store=store,
        transport=SmtpTransport(server, domain),
        clock=clock,
        rng=rng,
        snapshot=configuration.snapshot,
        mail_from=settings.mail_from,
    )
    return Mail(Mails(configuration.issuer, enabled=True), sender.start, sender.stop)


def _require_readable(path: str) -> None:
    try:
        Path(path).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedError(
            "mail_password_unreadable",
            f"The file {path} that `mail_smtp_password_file` names cannot be read.",
            hint="Write the password of the mail server's user into it, readable by the owner.",
            detail=type(error).__name__,
        ) from None


def _nothing() -> None:
    return

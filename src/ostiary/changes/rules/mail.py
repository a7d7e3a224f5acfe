"""Rules about mail: the server, who sends, and the password that stands in a file of its own."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding

_URL = ("identity", "mail_smtp_url")
_EXAMPLE = 'Write for example `mail_smtp_url = "smtp://user@mail.example.com:587"`'


def mail_server_can_be_reached(configuration: Configuration) -> Iterator[Finding]:
    """Object to a mail server's address that names no host, or that holds a password."""
    url = configuration.snapshot_settings.identity.mail_smtp_url
    complaint = _complaint(url) if url else None
    if complaint:
        yield Finding(
            _URL,
            "mail_smtp_url_invalid",
            f"`identity.mail_smtp_url` {complaint}.",
            f"{_EXAMPLE}, with the password in the file that `mail_smtp_password_file` names.",
        )


def _complaint(url: str) -> str | None:
    """Return what is wrong, without repeating the URL: it may hold a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number shows only when it is read
    except ValueError:
        return "cannot be parsed"
    if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
        return "must begin with smtp:// or smtps:// and name a host"
    if parts.password is not None:
        return "holds a password, which must not stand in this file"
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        return "goes on after host and port"
    return None


def mail_password_has_its_user(configuration: Configuration) -> Iterator[Finding]:
    """Object to a mail server's user without a password, and to a password without a user."""
    identity = configuration.snapshot_settings.identity
    if not identity.mail_smtp_url or _complaint(identity.mail_smtp_url):
        return
    user = bool(urlsplit(identity.mail_smtp_url).username)
    if user and not identity.mail_smtp_password_file:
        yield Finding(
            _URL,
            "mail_password_missing",
            "`identity.mail_smtp_url` names a user, but no file with the user's password is named.",
            'Add `mail_smtp_password_file = "/etc/ostiary/smtp.password"`.',
        )
    if not user and identity.mail_smtp_password_file:
        yield Finding(
            ("identity", "mail_smtp_password_file"),
            "mail_user_missing",
            "`identity.mail_smtp_password_file` is set, but `mail_smtp_url` names no user.",
            f"{_EXAMPLE}, or remove `mail_smtp_password_file`.",
        )


def mail_has_a_sender(configuration: Configuration) -> Iterator[Finding]:
    """Object to a mail server without an address that mail comes from."""
    identity = configuration.snapshot_settings.identity
    if identity.mail_smtp_url and not identity.mail_from:
        yield Finding(
            _URL,
            "mail_from_missing",
            "`identity.mail_smtp_url` is set, but `mail_from` is not.",
            'Add the address that mail comes from: `mail_from = "login@example.com"`.',
        )

"""Handing a mail to the operator's mail server (SMTP, RFC 5321), with bounded waits."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ostiary.identity.mail.messages import UNFIT
from ostiary.identity.mail.model import DeliveryError
from ostiary.kernel.errors import RefusedError

_WAIT_SECONDS_MAX = 10
_PORTS = {"smtp": 587, "smtps": 465}
_PERMANENT = 500  # first code of replies that will be the same next time (RFC 5321, 4.2.1)


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over. `user` is empty where the server wants no login.

    `smtps` encrypts from the start, `smtp` by STARTTLS (RFC 3207). A server on this very machine
    may do without.
    """

    host: str
    port: int
    encrypted: bool
    user: str = ""
    password_file: str = ""

    @property
    def is_local(self) -> bool:
        """Return whether the server is on this machine, so that nothing passes a network."""
        if self.host == "localhost":
            return True
        with suppress(ValueError):
            return ip_address(self.host).is_loopback
        return False


def parse_server(url: str, *, password_file: str = "") -> SmtpServer:
    """Return the server that `smtp://[user@]host[:port]` or `smtps://…` names.

    Raises `RefusedError`; the message does not repeat the URL, which may hold a password.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("it cannot be parsed") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise _refused("it must begin with smtp:// or smtps:// and name a host")
    if parts.password is not None:
        raise _refused("it must not hold a password")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise _refused("nothing may follow host and port")
    user = unquote(parts.username or "")
    if bool(user) != bool(password_file):
        raise _refused("a user in it and `mail_smtp_password_file` belong together")
    return SmtpServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        encrypted=parts.scheme == "smtps",
        user=user,
        password_file=password_file,
    )


def _refused(reason: str) -> RefusedError:
    return RefusedError(
        "mail_smtp_url_invalid",
        f"The setting `mail_smtp_url` cannot be used: {reason}.",
        hint="Write smtp://user@mail.example.com:587, with the password in the file that "
        "`mail_smtp_password_file` names.",
    )


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """Delivers mails, each on a connection of its own. `name` is how this host presents itself."""

    server: SmtpServer
    name: str
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def deliver(self, message: EmailMessage, recipient: str) -> None:
        """Hand a mail over; return when the server has taken it. Raises `DeliveryError`."""
        client = self._connect()
        try:
            client.send_message(message, to_addrs=[recipient])
        except smtplib.SMTPRecipientsRefused as error:
            code = max((code for code, _ in error.recipients.values()), default=0)
            raise _failure("recipient refused", code, is_final=code >= _PERMANENT) from error
        except smtplib.SMTPDataError as error:
            code = error.smtp_code
            raise _failure("mail refused", code, is_final=code >= _PERMANENT) from error
        except smtplib.SMTPNotSupportedError as error:
            # An address outside ASCII, and a server that cannot carry it (RFC 6531).
            raise DeliveryError("address not supported by the server", is_final=True) from error
        except smtplib.SMTPResponseException as error:
            raise _failure("sender refused", error.smtp_code, is_final=False) from error
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(type(error).__name__, is_final=False) from error
        except UNFIT as error:
            # An address or a text that cannot be said to any server.
            reason = f"cannot be sent ({type(error).__name__})"
            raise DeliveryError(reason, is_final=True) from error
        finally:
            with suppress(OSError, smtplib.SMTPException):
                # Not `quit`: it would wait for an answer that nobody needs.
                client.close()

    def _connect(self) -> smtplib.SMTP:
        try:
            return self._open()
        except smtplib.SMTPResponseException as error:
            raise _failure("server refused", error.smtp_code, is_final=False) from error
        except (OSError, smtplib.SMTPException, ValueError) as error:
            # A wrong certificate and a wrong login belong here, and a password file that is no
            # text: an operator will mend them.
            raise DeliveryError(type(error).__name__, is_final=False) from error

    def _open(self) -> smtplib.SMTP:
        server = self.server
        place = (server.host, server.port)
        # A name is given, because smtplib would ask the DNS for one.
        if server.encrypted:
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                *place, local_hostname=self.name, timeout=_WAIT_SECONDS_MAX, context=self.trust
            )
        else:
            client = smtplib.SMTP(*place, local_hostname=self.name, timeout=_WAIT_SECONDS_MAX)
        try:
            client.ehlo()
            if not server.encrypted and (client.has_extn("starttls") or not server.is_local):
                client.starttls(context=self.trust)
                client.ehlo()
            if server.user:
                client.login(server.user, Path(server.password_file).read_text().strip())
        except BaseException:
            client.close()
            raise
        return client


def _failure(what: str, code: int, *, is_final: bool) -> DeliveryError:
    return DeliveryError(f"{what} ({code})", is_final=is_final)

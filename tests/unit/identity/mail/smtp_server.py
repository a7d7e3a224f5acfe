"""A real SMTP server on the loopback, that takes or refuses mail as a test tells it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.unit.identity.mail import certificates

USER, PASSWORD = "ostiary", "a password of the mail server"


@dataclass
class Mailbox:
    """What the server was given, and what it says."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    rcpt_reply: str = "250 fine"
    data_reply: str = "250 taken"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope, address: str, _options: Any
    ) -> str:
        if self.rcpt_reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_reply

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: Any, _session: Any, envelope: Envelope
    ) -> str:
        message = message_from_bytes(envelope.original_content or b"", policy=default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.recipients.extend(envelope.rcpt_tos)
        return self.data_reply

    def authenticate(
        self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append(data.login.decode())
        # Not handled here: the server itself then says 535 to a wrong password.
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)


@contextmanager
def smtp_server(*, certificate: certificates.Certificate | None = None) -> Iterator[Mailbox]:
    """Run a server; with a certificate it insists on STARTTLS and on a login."""
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if certificate is not None:
        options = {
            "tls_context": certificate.server,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": mailbox.authenticate,
        }
    with socket.create_server(("127.0.0.1", 0)) as free:
        # The controller asks itself whether it is there, and must know the port before.
        mailbox.port = free.getsockname()[1]
    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=mailbox.port,
        ready_timeout=30,
        enable_SMTPUTF8=True,
        **options,
    )
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()

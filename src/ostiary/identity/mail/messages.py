"""The message (RFC 5322) that is made of a mail of the outbox."""

import hashlib
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from ostiary.identity.mail.model import ClaimedMail, DeliveryError

UNFIT = (ValueError, LookupError, AttributeError, TypeError, MessageError)
"""What the standard library raises for texts that it cannot put into a message or send."""


def write_message(mail: ClaimedMail, mail_from: str) -> EmailMessage:
    """Return the message to send. Raises `DeliveryError` for a mail that cannot be one.

    That is final: the next try would fail likewise. The reason leaves out the error's text, which
    repeats the address.
    """
    try:
        return _message(mail, mail_from)
    except UNFIT as error:
        reason = f"no message can be made of it ({type(error).__name__})"
        raise DeliveryError(reason, is_final=True) from error


def _message(mail: ClaimedMail, mail_from: str) -> EmailMessage:
    # The policy refuses line breaks in headers, whatever is put into them.
    message = EmailMessage(policy=SMTP)
    message["From"] = mail_from
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.created_at, UTC))
    message["Message-ID"] = _message_id(mail, mail_from)
    # Answering machines are to keep quiet (RFC 3834, section 5).
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body)
    return message


def _message_id(mail: ClaimedMail, mail_from: str) -> str:
    """Return the Message-ID: the same for every delivery of a mail, telling nothing about it."""
    digest = hashlib.sha256(f"{mail.operation}\0{mail.request_id}".encode()).hexdigest()
    return f"<{digest[:32]}@{mail_from.rpartition('@')[2]}>"

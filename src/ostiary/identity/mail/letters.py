"""The wording of every mail. Plain text, and nothing in it that a stranger could choose freely.

No mail has a link: a mail that asks people to follow links to a login service teaches them to
fall for the forged ones.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from textwrap import fill
from urllib.parse import urlsplit

from ostiary.identity.mail.model import Kind, Letter

_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a mail is about: whose address, when in Unix seconds, and from which IP address."""

    recipient: str
    at: int
    client_address: str


class Letters:
    """Writes the mails of one service. `issuer` is the address at which people sign in."""

    def __init__(self, issuer: str) -> None:
        self._service = urlsplit(issuer).hostname or "the login service"

    def welcome(self, occasion: Occasion) -> Letter:
        """Tell that an account was made with this address."""
        return self._letter(
            Kind.WELCOME,
            occasion,
            f"Your account at {self._service}",
            f"An account was made at {self._service} with this e-mail address,\n"
            f"{_when(occasion)}.\n\n"
            "If that was you, there is nothing to do.\n\n"
            "If it was not you, somebody else used your address. They cannot read your mail.\n"
            f"Tell those who run {self._service}, and they will take the account away.",
        )

    def address_taken(self, occasion: Occasion) -> Letter:
        """Tell that somebody tried to make a second account with this address."""
        return self._letter(
            Kind.ADDRESS_TAKEN,
            occasion,
            f"You have an account at {self._service} already",
            f"Somebody tried to make an account at {self._service} with this e-mail\n"
            f"address, {_when(occasion)}.\n\n"
            "There is one already, so nothing was changed.\n\n"
            "If that was you, sign in with the account that you have. If it was not you, there\n"
            "is nothing to do: whoever it was did not get in.",
        )

    def grant_ended(self, occasion: Occasion, *, client_id: str) -> Letter:
        """Tell that an application was signed out because its token turned up twice."""
        return self._letter(
            Kind.GRANT_ENDED,
            occasion,
            f"You were signed out of an application by {self._service}",
            f"The application {client_id} was signed out of your account, {_when(occasion)}.\n\n"
            "Something that it uses only once was used a second time. Often that is a fault of\n"
            "the application, but it can also mean that somebody copied it from your device.\n"
            "Neither copy is worth anything any longer.\n\n"
            "Sign in to the application again. If you see this often, or do not know the\n"
            f"application, tell those who run {self._service}.",
        )

    def new_device(self, occasion: Occasion) -> Letter:
        """Tell that the account was used with a browser that it was not used with before."""
        return self._letter(
            Kind.NEW_DEVICE,
            occasion,
            f"A new sign-in at {self._service}",
            f"Somebody signed in to your account at {self._service} with a browser that it\n"
            f"was not used with before, {_when(occasion)}.\n\n"
            "If that was you, there is nothing to do.\n\n"
            f"If it was not you, tell those who run {self._service} at once: somebody else\n"
            "knows your password.",
        )

    def _letter(self, kind: Kind, occasion: Occasion, subject: str, text: str) -> Letter:
        sender = f"{self._service} sends this by itself; nobody reads what is sent back."
        paragraphs = (_filled(paragraph) for paragraph in text.split("\n\n"))
        body = "\n\n".join(("Hello,", *paragraphs, f"-- \n{sender}")) + "\n"
        return Letter(kind=kind, recipient=occasion.recipient, subject=subject, body=body)


def _filled(paragraph: str) -> str:
    """Return a paragraph in short lines, as plain text mail has them; names stay whole."""
    return fill(paragraph, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _when(occasion: Occasion) -> str:
    moment = datetime.fromtimestamp(occasion.at, UTC)
    when = f"on {moment:%Y-%m-%d} at {moment:%H:%M} UTC"
    if not occasion.client_address:
        return when
    return f"{when}, from the network address {occasion.client_address}"

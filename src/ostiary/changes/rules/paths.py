"""Rules about keys that name files: a path, not what the file holds, and not this very file."""

from collections.abc import Iterator
from pathlib import Path

from ostiary.changes.configuration import Configuration
from ostiary.changes.rules.finding import Finding
from ostiary.kernel.settings import dotted

_PEM = "-----BEGIN"
_EXAMPLES = {
    "certificate": "tls/fullchain.pem",
    "key": "tls/privkey.pem",
    "mail_smtp_password_file": "/etc/ostiary/smtp.password",
}


def paths_are_paths(configuration: Configuration) -> Iterator[Finding]:
    """Object to the content of a file where its path belongs; it is not repeated."""
    for key, value in _paths(configuration):
        if _PEM in value or not value.isprintable():
            yield Finding(
                key,
                "content_not_path",
                f"`{dotted(key)}` holds the content of a file instead of its path; no secret "
                "may stand in this file.",
                f'Save it as a file that only its owner can read: `{key[1]} = "path/of/file"`. '
                "A key that was shown to others has to be replaced.",
            )


def files_do_not_name_themselves(configuration: Configuration) -> Iterator[Finding]:
    """Object to a settings file that names itself as the file of a key or a password."""
    own = Path(configuration.document.file).absolute()
    for key, value in _paths(configuration):
        if value.isprintable() and Path(value) == own:
            yield Finding(
                key,
                "names_itself",
                f"`{dotted(key)}` names this settings file itself.",
                f"Write the path of the file that is meant, for example `{key[1]} = "
                f'"{_EXAMPLES[key[1]]}"`.',
            )


def _paths(configuration: Configuration) -> Iterator[tuple[tuple[str, str], str]]:
    settings = configuration.snapshot_settings
    yield ("edge", "certificate"), settings.edge.certificate or ""
    yield ("edge", "key"), settings.edge.key or ""
    yield ("identity", "mail_smtp_password_file"), settings.identity.mail_smtp_password_file

"""The client and the account that the journeys act as."""

from dataclasses import dataclass, field
from pathlib import Path

from ostiary.watch.oidc_journeys.settings import OidcSettings
from ostiary.watch.relying_party.registration import Registration
from ostiary.watch.secret_files import read_secret


@dataclass(frozen=True, slots=True)
class Application:
    """What a team has registered for the journeys, its secrets included."""

    settings: OidcSettings
    client_secret: str | None = field(repr=False)
    password: str | None = field(repr=False)

    @classmethod
    def read(cls, settings: OidcSettings) -> "Application":
        """Return the application with its secrets; raises `SecretFileError`."""
        return cls(
            settings,
            _secret(settings.client_secret_file),
            _secret(settings.password_file),
        )

    @property
    def registration(self) -> Registration:
        """Return the client as the provider knows it."""
        settings = self.settings
        return Registration(
            client_id=settings.client_id,
            client_secret=self.client_secret,
            redirect_uri=settings.redirect_uri or "",
            audience=None,
            scope=settings.scope,
        )


def _secret(file: str | None) -> str | None:
    return None if file is None else read_secret(Path(file))

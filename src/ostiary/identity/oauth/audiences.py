"""Whom access tokens are for, while applications move from one audience to another.

A token for the service's default audience carries the present one first and after it those that it
replaces (RFC 7519, section 4.1.3), so that whoever still compares with an old one accepts it. A
client that is registered for any of them may ask about a token for any of them.
"""

from collections.abc import Collection
from dataclasses import dataclass

from ostiary.identity.clients.model import Client
from ostiary.identity.configuration import ReplicaConfiguration


@dataclass(frozen=True, slots=True)
class Audiences:
    """The default audience of a snapshot, and the ones that it replaces."""

    present: str
    previous: tuple[str, ...] = ()

    @classmethod
    def of_settings(cls, configuration: ReplicaConfiguration) -> "Audiences":
        """Return what a replica was configured with."""
        return cls(configuration.audience, tuple(configuration.settings.previous_audiences))

    def of(self, client: Client) -> str | list[str]:
        """Return the claim `aud` of a client's tokens; its own audience knows no previous ones."""
        if client.audience is not None:
            return client.audience
        return [self.present, *self.previous] if self.previous else self.present

    def is_meant(self, client: Client, token_audiences: Collection[str]) -> bool:
        """Return whether a token is for the audience that a client was registered with."""
        if client.audience in token_audiences:
            return True
        same = {self.present, *self.previous}
        return client.audience in same and not same.isdisjoint(token_audiences)

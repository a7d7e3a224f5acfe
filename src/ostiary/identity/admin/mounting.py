"""Putting the admin API on the router."""

from dataclasses import dataclass
from typing import Protocol

from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.admin.administration import UserAdministration
from ostiary.identity.admin.in_use import InUse
from ostiary.identity.admin.mails import UserMails
from ostiary.identity.admin.users import User, Users
from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random


class SuffixRouter(Protocol):
    """A router that leads one resource's methods to several addresses."""

    def add_route(self, uri_template: str, resource: object, *, suffix: str | None = None) -> None:
        """Serve `uri_template` by the responders of a Falcon resource that end in `suffix`."""
        ...


@dataclass(frozen=True, slots=True)
class AdminParts:
    """What the admin API is made of."""

    configuration: ReplicaConfiguration
    store: Store
    clock: Clock
    rng: Random
    hasher: PasswordHasher
    admin_token: AdminToken


def mount(router: SuffixRouter, parts: AdminParts) -> None:
    """Add the admin API's routes. The edge does not lead to them."""
    administration = UserAdministration(
        store=parts.store,
        clock=parts.clock,
        creation=AccountCreation(parts.hasher, parts.clock, parts.rng),
    )
    users = Users(administration, parts.admin_token, snapshot=parts.configuration.snapshot)
    user = User(administration, parts.admin_token, snapshot=parts.configuration.snapshot)
    router.add_route("/admin/users", users)
    router.add_route("/admin/users/{who}", user)
    router.add_route("/admin/users/{who}/disable", user, suffix="disable")
    router.add_route("/admin/users/{who}/enable", user, suffix="enable")
    has_server = bool(parts.configuration.settings.mail_smtp_url)
    mails = UserMails(parts.store, administration, parts.admin_token, has_server=has_server)
    router.add_route("/admin/users/{who}/mails", mails)
    router.add_route("/admin/in-use", InUse(parts.store, parts.admin_token))

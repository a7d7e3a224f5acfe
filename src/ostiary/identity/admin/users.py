"""`/admin/users`: create, list, show, disable, enable and delete accounts."""

import falcon

from ostiary.identity.accounts.addresses import InvalidAddressError
from ostiary.identity.accounts.model import Account
from ostiary.identity.accounts.roles import InvalidRolesError
from ostiary.identity.admin.administration import UserAdministration
from ostiary.identity.admin.bodies import NewUser, read_body
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.context import attempt_of
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.passwords.formats import InvalidFormatError, probe_format
from ostiary.identity.passwords.policy import WeakPasswordError
from ostiary.kernel.outcomes import Outcome


class Users:
    """`/admin/users`."""

    def __init__(
        self, administration: UserAdministration, admin_token: AdminToken, *, snapshot: str
    ) -> None:
        self._administration = administration
        self._admin_token = admin_token
        self._snapshot = snapshot

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """List the accounts; the guard's own only with `?probe=1`."""
        self._admin_token.require(request)
        include_probes = request.get_param("probe") == "1"
        accounts = self._administration.list_(include_probes=include_probes)
        response.media = {"users": [account_json(account) for account in accounts]}

    def on_post(self, request: falcon.Request, response: falcon.Response) -> None:
        """Create an account."""
        self._admin_token.require(request)
        response.media = account_json(self._create(request))
        response.status = falcon.HTTP_201

    def _create(self, request: falcon.Request) -> Account:
        body = read_body(request, NewUser)
        if body.probe and body.roles:
            raise ProblemError(
                400,
                Outcome.INVALID_REQUEST,
                "A probe account has no roles.",
                hint="Leave `roles` empty, or `probe` false.",
            )
        if body.hash_format is not None and not body.probe:
            raise ProblemError(
                400,
                Outcome.INVALID_REQUEST,
                "Only a probe account can ask for a format of its hash.",
                hint="Leave `hash_format` out; new hashes are made as the settings say.",
            )
        attempt = attempt_of(request, snapshot=self._snapshot)
        try:
            account = self._administration.create(
                body.email,
                body.password,
                roles=body.roles,
                probe=body.probe,
                attempt=attempt,
                hashed_as=None if body.hash_format is None else probe_format(body.hash_format),
            )
        except (InvalidAddressError, InvalidRolesError, InvalidFormatError) as error:
            raise ProblemError(
                400, Outcome.INVALID_REQUEST, error.message, hint=error.hint
            ) from None
        except WeakPasswordError as error:
            raise ProblemError(400, Outcome.WEAK_PASSWORD, error.message, hint=error.hint) from None
        if account is None:
            raise ProblemError(
                409,
                Outcome.ALREADY_EXISTS,
                "There is already an account with this e-mail address.",
                hint="Show it with GET /admin/users/{email}.",
            )
        return account


class User:
    """`/admin/users/{who}`, where `who` is an e-mail address or an account's id."""

    def __init__(
        self, administration: UserAdministration, admin_token: AdminToken, *, snapshot: str
    ) -> None:
        self._administration = administration
        self._admin_token = admin_token
        self._snapshot = snapshot

    def on_get(self, request: falcon.Request, response: falcon.Response, who: str) -> None:
        """Show an account."""
        self._admin_token.require(request)
        response.media = account_json(found(self._administration.find(who)))

    def on_delete(self, request: falcon.Request, response: falcon.Response, who: str) -> None:
        """Delete an account with its sessions, codes and grants."""
        self._admin_token.require(request)
        if not self._administration.delete(who, attempt_of(request, snapshot=self._snapshot)):
            raise _unknown()
        response.status = falcon.HTTP_204

    def on_post_disable(self, request: falcon.Request, response: falcon.Response, who: str) -> None:
        """Disable an account; its sessions and grants are gone on all replicas."""
        self._set_disabled(request, response, who, disabled=True)

    def on_post_enable(self, request: falcon.Request, response: falcon.Response, who: str) -> None:
        """Enable an account again."""
        self._set_disabled(request, response, who, disabled=False)

    def _set_disabled(
        self, request: falcon.Request, response: falcon.Response, who: str, *, disabled: bool
    ) -> None:
        self._admin_token.require(request)
        attempt = attempt_of(request, snapshot=self._snapshot)
        account = found(self._administration.set_disabled(who, attempt, disabled=disabled))
        response.media = account_json(account)


def account_json(account: Account) -> dict[str, object]:
    """Return what the admin API shows of an account: everything but the password's hash."""
    return {
        "id": account.id,
        "email": account.email,
        "roles": list(account.roles),
        "disabled": account.disabled,
        "probe": account.probe,
        "created_at": account.created_at,
    }


def found(account: Account | None) -> Account:
    """Return an account that was asked for; raises `ProblemError` 404 where there is none."""
    if account is None:
        raise _unknown()
    return account


def _unknown() -> ProblemError:
    return ProblemError(
        404,
        Outcome.NOT_FOUND,
        "There is no such account.",
        hint="List the accounts with GET /admin/users.",
    )

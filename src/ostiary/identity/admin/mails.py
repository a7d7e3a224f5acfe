"""`/admin/users/{who}/mails`: which mails were written to an account, and what became of them.

Neither subject nor text: an operator wants to know whether somebody got what they wait for.
"""

import falcon

from ostiary.identity.admin.administration import UserAdministration
from ostiary.identity.admin.users import found
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.mail.deliveries import Deliveries
from ostiary.identity.store.engine import Store


class UserMails:
    """`/admin/users/{who}/mails`, where `who` is an e-mail address or an account's id."""

    def __init__(
        self,
        store: Store,
        administration: UserAdministration,
        admin_token: AdminToken,
        *,
        has_server: bool,
    ) -> None:
        self._store = store
        self._administration = administration
        self._admin_token = admin_token
        self._has_server = has_server
        self._deliveries = Deliveries()

    def on_get(self, request: falcon.Request, response: falcon.Response, who: str) -> None:
        """List the mails of an account, the newest first; without a mail server there are none."""
        self._admin_token.require(request)
        account = found(self._administration.find(who))
        with self._store.read() as connection:
            written = self._deliveries.of(connection, account.email)
        response.media = {
            "mail_server": self._has_server,
            "mails": [
                {
                    "kind": each.kind,
                    "created_at": each.created_at,
                    "sent_at": each.sent_at,
                    "given_up_at": each.given_up_at,
                }
                for each in written
            ],
        }

"""`/admin/in-use`: what the store holds that every release has to go on serving.

Formats of password hashes and kinds of clients, each with how many there are: nothing of any one
account or client. Rehearsals make a probe of each, so that a release which serves all but one of
them is found out before anybody meets it.
"""

from collections import Counter

import falcon

from ostiary.identity.accounts.storage import Accounts
from ostiary.identity.clients.kinds import ClientKind
from ostiary.identity.clients.storage import Clients
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.store.engine import Store


class InUse:
    """`/admin/in-use`."""

    def __init__(self, store: Store, admin_token: AdminToken) -> None:
        self._store = store
        self._admin_token = admin_token
        self._accounts, self._clients = Accounts(), Clients()

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Tell the formats and kinds, the commonest first; the guard's own do not count."""
        self._admin_token.require(request)
        with self._store.read() as connection:
            formats, others = self._accounts.count_hash_formats(connection)
            clients = self._clients.list_(connection, include_probes=False)
        kinds = Counter(ClientKind.of(client) for client in clients)
        response.media = {
            "hash_formats": [
                {"format": str(each), "users": users, "can_be_probed": each.can_be_probed}
                for each, users in formats.items()
            ],
            "hashes_of_no_format": others,
            "client_kinds": [kind.to_json(count) for kind, count in kinds.most_common()],
        }

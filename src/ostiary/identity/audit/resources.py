"""`/admin/audit`: reading the audit log."""

from dataclasses import asdict
from datetime import datetime

import falcon

from ostiary.identity.accounts.addresses import InvalidAddressError, parse_address
from ostiary.identity.audit.model import Selection, StoredEntry
from ostiary.identity.audit.storage import AuditLog
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import Router
from ostiary.identity.http.problems import ProblemError
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import to_unix
from ostiary.kernel.outcomes import Outcome

_LIMIT_MAX = 1000
_NUMBER_MAX = 2**63 - 1


def mount_audit(router: Router, store: Store, admin_token: AdminToken) -> None:
    """Serve the audit log to operators. The edge does not lead here."""
    router.add_route("/admin/audit", _Entries(store, admin_token))


class _Entries:
    """The log, the newest entries first."""

    def __init__(self, store: Store, admin_token: AdminToken) -> None:
        self._store = store
        self._admin_token = admin_token
        self._log = AuditLog()

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        """Show entries; those of the guard's own journeys only with `?probe=1`.

        `subject` is an e-mail address, a client's or a key's id; `since` is in Unix seconds or an
        RFC 3339 time; `before` is the `number` of an entry, to read on; `limit` is at most 1000.
        """
        self._admin_token.require(request)
        wanted = Selection(
            subject=_subject(request.get_param("subject")),
            since=_since(request.get_param("since")),
            before_number=_number(request.get_param("before"), "before", most=_NUMBER_MAX),
            limit=_number(request.get_param("limit"), "limit", most=_LIMIT_MAX)
            or Selection().limit,
            include_probes=request.get_param("probe") == "1",
        )
        with self._store.read() as connection:
            found = self._log.list_(connection, wanted)
        response.media = {"entries": [_as_json(entry) for entry in found]}


def _as_json(entry: StoredEntry) -> dict[str, object]:
    return asdict(entry)


def _subject(asked: str | None) -> str | None:
    """Return an address as it is kept, and other names as they are."""
    if not asked:
        return None
    if "\0" in asked:
        raise _malformed("subject", "must not hold a NUL character")
    try:
        return parse_address(asked).key
    except InvalidAddressError:
        return asked


def _since(asked: str | None) -> int:
    if not asked:
        return 0
    if asked.isascii() and asked.isdigit():
        return _number(asked, "since", most=_NUMBER_MAX) or 0
    try:
        moment = datetime.fromisoformat(asked)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise _malformed("since", "must be Unix seconds or a time such as 2026-01-31T12:00:00Z")
    return to_unix(moment)


def _number(asked: str | None, name: str, *, most: int) -> int | None:
    if not asked:
        return None
    if not (asked.isascii() and asked.isdigit()) or not 1 <= int(asked[:20]) <= most:
        raise _malformed(name, f"must be a whole number from 1 to {most}")
    return int(asked)


def _malformed(name: str, what: str) -> ProblemError:
    return ProblemError(
        400, Outcome.INVALID_REQUEST, f"The audit log cannot be read: `{name}` {what}."
    )

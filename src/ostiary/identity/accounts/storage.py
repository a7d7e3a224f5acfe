"""Accounts in the store."""

from typing import Any

from sqlalchemy import (
    Connection,
    RowMapping,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)

from ostiary.identity.accounts.model import Account
from ostiary.identity.passwords.formats import HashFormat, InvalidFormatError
from ostiary.identity.store.attempt import Attempt
from ostiary.identity.store.proofs import note_ended
from ostiary.identity.store.schema import users
from ostiary.identity.store.upserts import insert_into

ACCOUNT_COLUMNS = (
    users.c.id,
    users.c.email,
    users.c.email_key,
    users.c.roles,
    users.c.disabled,
    users.c.probe,
    users.c.created_at,
    users.c.password_hash,
)
"""What `account_of` needs of a row."""

_FIND_BY_EMAIL = select(*ACCOUNT_COLUMNS).where(users.c.email_key == bindparam("email_key"))
# Built once: building a statement anew for every sign-in costs more than running it.

_HASHES_SHOWN_MAX = 100
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_WITHOUT_DIGEST = func.rtrim(users.c.password_hash, _BASE64)
_WITHOUT_SALT = func.rtrim(func.rtrim(_WITHOUT_DIGEST, "$"), _BASE64)
_IS_ARGON2 = users.c.password_hash.like("$argon2%$%$%$%")
_HASH_FORMATS = (
    select(
        _WITHOUT_SALT.label("costs"),
        (func.length(_WITHOUT_DIGEST) - func.length(_WITHOUT_SALT) - 1).label("salt_characters"),
        (func.length(users.c.password_hash) - func.length(_WITHOUT_DIGEST)).label(
            "digest_characters"
        ),
        func.count().label("users"),
    )
    .where(users.c.probe.is_(False), _IS_ARGON2)
    .group_by(literal_column("1"), literal_column("2"), literal_column("3"))
    .order_by(literal_column("4").desc())
    .limit(_HASHES_SHOWN_MAX)
)
_OTHER_HASHES = select(func.count()).where(users.c.probe.is_(False), ~_IS_ARGON2)


def account_of(row: RowMapping) -> Account:
    """Return the account in a row that holds `ACCOUNT_COLUMNS`."""
    return Account(
        id=row[users.c.id],
        email=row[users.c.email],
        email_key=row[users.c.email_key],
        roles=tuple(row[users.c.roles]),
        disabled=row[users.c.disabled],
        probe=row[users.c.probe],
        created_at=row[users.c.created_at],
        password_hash=row[users.c.password_hash],
    )


class Accounts:
    """Reads and writes accounts on the caller's connection, inside the caller's transaction."""

    def get(self, connection: Connection, user_id: str) -> Account | None:
        """Return the account with this id, or None."""
        return _first(connection, _accounts().where(users.c.id == user_id))

    def find_by_email(self, connection: Connection, email_key: str) -> Account | None:
        """Return the account whose folded address is `email_key`, or None."""
        row = connection.execute(_FIND_BY_EMAIL, {"email_key": email_key}).mappings().first()
        return None if row is None else account_of(row)

    def list_(self, connection: Connection, *, include_probes: bool) -> list[Account]:
        """Return all accounts ordered by address, the guard's own only when they are asked for."""
        query = _accounts().order_by(users.c.email_key)
        if not include_probes:
            query = query.where(users.c.probe.is_(False))
        return [account_of(row) for row in connection.execute(query).mappings()]

    def count_hash_formats(self, connection: Connection) -> tuple[dict[HashFormat, int], int]:
        """Return how many users have a hash of each format, the commonest first, and of none.

        The guard's own accounts do not count. The store groups the hashes, so that none of them
        leaves it; formats beyond the 100 commonest are left out.
        """
        formats: dict[HashFormat, int] = {}
        others = connection.execute(_OTHER_HASHES).scalar_one()
        for row in connection.execute(_HASH_FORMATS):
            try:
                found = HashFormat.of_parts(
                    row.costs,
                    salt_characters=row.salt_characters,
                    digest_characters=row.digest_characters,
                )
            except InvalidFormatError:
                others += row.users
            else:
                formats[found] = formats.get(found, 0) + row.users
        return formats, others

    def add(self, connection: Connection, account: Account, attempt: Attempt) -> Account | None:
        """Store a new account; return it as stored, or None when its address is taken.

        An account that an earlier attempt of the same request stored is not "taken": a second
        opinion writes its own values over it and keeps the id, a first attempt that comes late
        returns it as it is.
        """
        values = {**_values(account), **_origin(attempt)}
        offer = insert_into(connection, users).values(id=account.id, **values)
        offer = offer.on_conflict_do_nothing(index_elements=["email_key"])
        if connection.execute(offer).rowcount > 0:
            return account
        if attempt.is_second_opinion:
            connection.execute(
                update(users).where(*_left_by(account.email_key, attempt)).values(values)
            )
        query = _accounts().where(*_left_by(account.email_key, attempt))
        return _first(connection, query)

    def withdraw(self, connection: Connection, email_key: str, attempt: Attempt) -> None:
        """Delete the account that an earlier attempt of this request stored, if it did.

        A second opinion that refuses a sign-up calls it. Otherwise the person would be told to
        choose another password and then, having done so, that the address is taken.
        """
        connection.execute(delete(users).where(*_left_by(email_key, attempt)))

    def set_disabled(
        self, connection: Connection, user_id: str, *, disabled: bool
    ) -> Account | None:
        """Disable or enable an account and return it, or None where there is none."""
        connection.execute(update(users).where(users.c.id == user_id).values(disabled=disabled))
        return self.get(connection, user_id)

    def delete(self, connection: Connection, user_id: str) -> bool:
        """Delete an account with its sessions, codes and grants; return whether it was there."""
        note_ended(connection, user_id)
        return bool(connection.execute(delete(users).where(users.c.id == user_id)).rowcount)


def _accounts() -> Select[Any]:
    return select(*ACCOUNT_COLUMNS)


def _first(connection: Connection, query: Select[Any]) -> Account | None:
    row = connection.execute(query).mappings().first()
    return None if row is None else account_of(row)


def _values(account: Account) -> dict[str, Any]:
    return {
        "email": account.email,
        "email_key": account.email_key,
        "password_hash": account.password_hash,
        "roles": list(account.roles),
        "disabled": account.disabled,
        "probe": account.probe,
        "created_at": account.created_at,
    }


def _origin(attempt: Attempt) -> dict[str, Any]:
    return {"created_by_request": attempt.request_id, "minted_by": attempt.minted_by}


def _left_by(email_key: str, attempt: Attempt) -> tuple[Any, ...]:
    return users.c.email_key == email_key, users.c.created_by_request == attempt.request_id

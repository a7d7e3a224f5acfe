import asyncio
import unicodedata

import pytest

from ostiary.watch.journeys.admin_api import AdminApi, AdminApiError
from ostiary.watch.journeys.in_use import ClientKind, InUse
from ostiary.watch.journeys.probes import ProbeAdmin
from tests.unit.watch.small_provider.provider import ADMIN_TOKEN
from tests.unit.watch.small_provider.store import OLD_FORMAT


def with_admin(provider, rng, use):
    async def run():
        async with ProbeAdmin(provider.url, ADMIN_TOKEN, rng=rng) as admin:
            return await use(admin)

    return asyncio.run(run())


def test_a_probe_has_no_roles_and_an_audience_of_its_own(start, store, rng):
    account = with_admin(start(), rng, lambda admin: admin.create(access_token_seconds=1))

    user, client = store.users[account.email], store.clients[account.client_id]
    assert user.probe
    assert user.roles == []
    assert client.probe
    assert client.audience == account.audience
    assert client.secret == account.client_secret
    assert client.access_token_seconds == 1


def test_every_other_probe_is_for_the_default_audience(start, store, rng):
    async def several(admin):
        return [account async for account in admin.create_several(4)]

    accounts = with_admin(start(), rng, several)

    assert [account.audience is None for account in accounts] == [False, True, False, True]
    assert {store.users[account.email].id for account in accounts} == {
        account.subject for account in accounts
    }


def test_no_two_probes_share_anything(start, rng):
    async def two(admin):
        return await admin.create(), await admin.create()

    one, other = with_admin(start(), rng, two)

    assert one.email != other.email
    assert one.password != other.password
    assert one.audience != other.audience


def test_a_probe_does_not_show_its_secrets(start, rng):
    account = with_admin(start(), rng, lambda admin: admin.create())

    assert account.password not in repr(account)
    assert account.client_secret not in repr(account)


def test_probes_left_behind_are_swept_and_users_stay(start, store, rng):
    provider = start()

    async def leave(admin):
        await admin.create()
        await admin.create()

    async def add_user():
        async with AdminApi(provider.url, ADMIN_TOKEN) as api:
            await api.create_user("me@example.org", "secret-password", roles=["admin"])

    with_admin(provider, rng, leave)
    asyncio.run(add_user())

    assert with_admin(provider, rng, lambda admin: admin.sweep()) == 2
    assert list(store.users) == ["me@example.org"]
    assert store.clients == {}


def test_probes_are_deleted_when_the_work_with_them_fails(start, store, rng):
    async def fail(admin):
        async with admin.accounts(2):
            raise RuntimeError("the work failed")

    with pytest.raises(RuntimeError, match="the work failed"):
        with_admin(start(), rng, fail)
    assert store.users == {}


def test_deleting_what_is_gone_is_fine(start, rng):
    async def twice(admin):
        account = await admin.create()
        await admin.delete(account)
        await admin.delete(account)

    with_admin(start(), rng, twice)


def test_a_wrong_admin_token_is_told_without_the_token(start):
    provider = start()

    async def run():
        async with AdminApi(provider.url, "not-the-secret") as api:
            await api.create_user("me@example.org", "hush-hush-hush")

    with pytest.raises(AdminApiError, match="POST /admin/users was answered HTTP 401") as caught:
        asyncio.run(run())
    assert "hush" not in str(caught.value)
    assert "not-the-secret" not in str(caught.value)


def test_a_replica_that_is_gone_is_told(rng):
    async def run():
        async with AdminApi("http://127.0.0.1:1", ADMIN_TOKEN) as api:
            await api.delete_user("me@example.org")

    with pytest.raises(AdminApiError, match=r"not answered by http://127\.0\.0\.1:1"):
        asyncio.run(run())


def test_a_taken_address_is_told(start):
    provider = start()

    async def run():
        async with AdminApi(provider.url, ADMIN_TOKEN) as api:
            await api.create_user("me@example.org", "secret-password")
            await api.create_user("me@example.org", "secret-password")

    with pytest.raises(AdminApiError, match="HTTP 409 Taken"):
        asyncio.run(run())


def test_a_probe_of_a_kind_has_what_its_kind_has(start, store, rng):
    kind = ClientKind(
        public=False, grants=frozenset({"client_credentials"}), own_audience=False, own_scopes=True
    )
    account = with_admin(start(), rng, lambda admin: admin.create(kind=kind))

    client = store.clients[account.client_id]
    assert (client.grants, client.scopes) == (["client_credentials"], ["probe:read"])
    assert client.redirect_uris == []
    assert store.users == {}, "nobody signs in to it"
    assert account.email == ""


def test_a_public_probe_has_no_secret_and_an_old_hash_is_asked_for(start, store, rng):
    kind = ClientKind(public=True, grants=frozenset({"authorization_code"}), own_audience=True)

    async def both(admin):
        return await admin.create(kind=kind), await admin.create(hash_format=OLD_FORMAT)

    public, old = with_admin(start(), rng, both)

    assert public.client_secret is None
    assert public.registration.client_secret is None
    assert store.users[old.email].hash_format == OLD_FORMAT


def test_a_name_outside_ascii_is_composed_and_is_swept(start, store, rng):
    async def make_and_sweep(admin):
        account = await admin.create(name_is_ascii=False)
        return account, await admin.sweep()

    account, swept = with_admin(start(), rng, make_and_sweep)

    assert not account.email.isascii()
    assert not account.password.isascii()
    assert account.email == unicodedata.normalize("NFC", account.email)
    assert swept == 1
    assert store.users == {}


def test_what_is_in_use_is_read_and_an_older_release_tells_nothing(start, store, rng):
    store.hash_formats = [OLD_FORMAT, "too dear"]
    provider = start()
    assert with_admin(provider, rng, lambda admin: admin.in_use()) == InUse((OLD_FORMAT,))

    older = start(faults={"older_admin_api"})
    assert with_admin(older, rng, lambda admin: admin.in_use()) == InUse()

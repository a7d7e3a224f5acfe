"""Identity's composition root: the only module that knows all flows and all adapters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ostiary.identity.admin.mounting import AdminParts
from ostiary.identity.admin.mounting import mount as mount_admin
from ostiary.identity.audit.resources import mount_audit
from ostiary.identity.clients.resources import mount_clients
from ostiary.identity.configuration import ReplicaConfiguration, read_token
from ostiary.identity.flags import Flags
from ostiary.identity.flags.reading import SECRET_NAME as FLAGS_SECRET_NAME
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import App, create_app
from ostiary.identity.http.metrics import HashMetrics, RequestMetrics
from ostiary.identity.http.middleware import OutcomeMiddleware
from ostiary.identity.keys.storage import SigningKeys
from ostiary.identity.mail.mounting import open_mail
from ostiary.identity.minted.resources import mount_minted
from ostiary.identity.minted.revocation import MintedRevocation
from ostiary.identity.oauth.mint_counts import MintCounts
from ostiary.identity.oauth.mounting import OAuthParts
from ostiary.identity.oauth.mounting import mount as mount_oauth
from ostiary.identity.ofrep.resources import mount_ofrep
from ostiary.identity.pages.mounting import PagesParts, write_problem
from ostiary.identity.pages.mounting import mount as mount_pages
from ostiary.identity.passwords.gate import HashGate
from ostiary.identity.passwords.hash_pool import HashPool
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.passwords.sizing import gate_limits
from ostiary.identity.sealing.key_files import StoreKeyFiles
from ostiary.identity.sealing.sealed_columns import require_openable
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.sealing.server_secrets import read_or_create
from ostiary.identity.sessions.client_metrics import ClientMetrics
from ostiary.identity.sessions.client_sketch import ClientSketch
from ostiary.identity.store.engine import open_store
from ostiary.identity.store.starting import prepare
from ostiary.kernel.clock import Clock, SystemClock
from ostiary.kernel.ids import Random, SystemRandom


@dataclass(frozen=True, slots=True)
class Identity:
    """A built login service, ready to be served.

    `start` starts the processes that it has beside it, `close` ends them and lets go of the store.
    """

    app: App
    is_ready: Callable[[], bool]
    waiting: Callable[[], Mapping[str, object]]
    metrics: Callable[[], bytes]
    start: Callable[[], None]
    close: Callable[[], None]
    look_after_keys: Callable[[], None]
    delete_expired: Callable[[], None]
    flags: Flags


def build(
    configuration: ReplicaConfiguration,
    *,
    clock: Clock | None = None,
    rng: Random | None = None,
    store_wait_seconds_max: float = 0.0,
) -> Identity:
    """Put a login service together from its configuration.

    Waits for the store as long as it is told to. Raises `RefusedError` for a configuration or a
    store that it will not run with, `StoreUnavailableError` when the store does not answer.
    """
    clock = clock or SystemClock()
    rng = rng or SystemRandom()
    admin_token = AdminToken(read_token(configuration.admin_token_file))
    edge_token = read_token(configuration.edge_token_file)
    sealer = Sealer(StoreKeyFiles(Path(configuration.store_key_file)))
    settings = configuration.settings
    store = open_store(
        configuration.database_url,
        connections_max=settings.database_connections or settings.threads + 2,
    )
    prepare(store, clock, rng, wait_seconds_max=store_wait_seconds_max)
    require_openable(store, sealer)
    limits = gate_limits(settings)
    gate, pool = HashGate(limits, clock), HashPool(limits.slots)
    hasher = PasswordHasher(settings, rng, gate, pool)
    mail = open_mail(configuration, store, clock=clock, rng=rng)
    flags = Flags(configuration.flags, read_or_create(store, sealer, FLAGS_SECRET_NAME, rng))
    metrics = RequestMetrics(configuration.snapshot)
    metrics.add(HashMetrics(gate.counts))
    clients = ClientSketch(clock, rng)
    metrics.add(ClientMetrics(clients.spread))
    mint_counts = MintCounts(clock)
    metrics.add(mint_counts)
    middleware = OutcomeMiddleware(
        snapshot=configuration.snapshot,
        edge_token=edge_token,
        clock=clock,
        rng=rng,
        metrics=metrics,
    )
    app = create_app(middleware, write_problem=write_problem)
    pages = mount_pages(
        app,
        PagesParts(
            configuration=configuration,
            store=store,
            sealer=sealer,
            clock=clock,
            rng=rng,
            hasher=hasher,
            mails=mail.mails,
            clients=clients,
            flags=flags,
        ),
    )
    oauth = mount_oauth(
        app,
        OAuthParts(
            configuration=configuration,
            store=store,
            sealer=sealer,
            clock=clock,
            rng=rng,
            current_session=pages.current_session,
            admin_token=admin_token,
            mails=mail.mails,
            mint_counts=mint_counts,
        ),
    )
    mount_ofrep(app, flags, oauth.token_holders)
    mount_admin(
        app,
        AdminParts(
            configuration=configuration,
            store=store,
            clock=clock,
            rng=rng,
            hasher=hasher,
            admin_token=admin_token,
        ),
    )
    minted = MintedRevocation(store, SigningKeys(sealer), clock, snapshot=configuration.snapshot)
    mount_minted(app, minted, oauth.ring, admin_token, snapshot=configuration.snapshot)
    mount_clients(app, store, admin_token, clock=clock, rng=rng, snapshot=configuration.snapshot)
    mount_audit(app, store, admin_token)
    mail.start()

    def close() -> None:
        mail.stop()
        pool.close()
        store.close()

    return Identity(
        app=app,
        is_ready=oauth.is_ready,
        waiting=oauth.waiting,
        metrics=metrics.render,
        start=pool.start,
        close=close,
        look_after_keys=oauth.look_after_keys,
        delete_expired=pages.housekeeping.run,
        flags=flags,
    )

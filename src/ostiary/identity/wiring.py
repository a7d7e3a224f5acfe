"""Identity's composition root: the only module that knows all flows and all adapters."""

from collections.abc import Callable
from dataclasses import dataclass

from ostiary.identity.admin.mounting import AdminParts
from ostiary.identity.admin.mounting import mount as mount_admin
from ostiary.identity.configuration import ReplicaConfiguration, read_token
from ostiary.identity.http.admin_token import AdminToken
from ostiary.identity.http.app import App, create_app
from ostiary.identity.http.metrics import RequestMetrics
from ostiary.identity.http.middleware import OutcomeMiddleware
from ostiary.identity.oauth.mounting import OAuthParts
from ostiary.identity.oauth.mounting import mount as mount_oauth
from ostiary.identity.pages.mounting import PagesParts, write_problem
from ostiary.identity.pages.mounting import mount as mount_pages
from ostiary.identity.store.engine import open_store
from ostiary.identity.store.migration import migrate
from ostiary.kernel.clock import Clock, SystemClock
from ostiary.kernel.ids import Random, SystemRandom


@dataclass(frozen=True, slots=True)
class Identity:
    """A built login service, ready to be served."""

    app: App
    is_ready: Callable[[], bool]
    metrics: Callable[[], bytes]
    close: Callable[[], None]


def build(
    configuration: ReplicaConfiguration,
    *,
    clock: Clock | None = None,
    rng: Random | None = None,
) -> Identity:
    """Put a login service together from its configuration.

    Raises `RefusedError` for a configuration it will not run with, `StoreUnavailableError` when
    the store cannot be migrated.
    """
    clock = clock or SystemClock()
    rng = rng or SystemRandom()
    admin_token = AdminToken(read_token(configuration.admin_token_file))
    edge_token = read_token(configuration.edge_token_file)
    store = open_store(
        configuration.database_url, connections_max=configuration.settings.threads + 2
    )
    migrate(store)
    metrics = RequestMetrics(configuration.snapshot)
    middleware = OutcomeMiddleware(
        snapshot=configuration.snapshot,
        edge_token=edge_token,
        clock=clock,
        rng=rng,
        metrics=metrics,
    )
    app = create_app(middleware, write_problem=write_problem)
    pages = mount_pages(
        app, PagesParts(configuration=configuration, store=store, clock=clock, rng=rng)
    )
    oauth = mount_oauth(
        app,
        OAuthParts(
            configuration=configuration,
            store=store,
            clock=clock,
            rng=rng,
            current_session=pages.current_session,
            admin_token=admin_token,
        ),
    )
    mount_admin(
        app,
        AdminParts(
            configuration=configuration,
            store=store,
            clock=clock,
            rng=rng,
            hasher=pages.hasher,
            admin_token=admin_token,
        ),
    )
    return Identity(app=app, is_ready=oauth.is_ready, metrics=metrics.render, close=store.close)

"""Putting the pages on the router."""

from dataclasses import dataclass

from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.flags import Flags
from ostiary.identity.http.app import Router
from ostiary.identity.mail.writing import Mails
from ostiary.identity.pages.csrf import SECRET_NAME, Csrf
from ostiary.identity.pages.demo import Answerer, DemoPage, Entrance, Favicon
from ostiary.identity.pages.forms import FormPages
from ostiary.identity.pages.problems import write_problem, write_problem_page
from ostiary.identity.pages.rendering import renderer
from ostiary.identity.pages.sign_in import SignInPage
from ostiary.identity.pages.sign_out import SignOutPage
from ostiary.identity.pages.sign_up import SignUpPage
from ostiary.identity.pages.sign_up_offer import SignUpOffer
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.sealing.sealer import Sealer
from ostiary.identity.sealing.server_secrets import read_or_create
from ostiary.identity.sessions.client_sketch import ClientSketch
from ostiary.identity.sessions.current import CurrentSession
from ostiary.identity.sessions.devices import SECRET_NAME as DEVICES_SECRET_NAME
from ostiary.identity.sessions.devices import KnownDevices
from ostiary.identity.sessions.housekeeping import Housekeeping
from ostiary.identity.sessions.signing_in import SignIn
from ostiary.identity.sessions.signing_up import SignUp
from ostiary.identity.sessions.starting import SessionStarter
from ostiary.identity.store.engine import Store
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random

__all__ = ["Pages", "PagesParts", "mount", "write_problem", "write_problem_page"]


@dataclass(frozen=True, slots=True)
class PagesParts:
    """What the pages are made of."""

    configuration: ReplicaConfiguration
    store: Store
    sealer: Sealer
    clock: Clock
    rng: Random
    hasher: PasswordHasher
    mails: Mails
    clients: ClientSketch
    flags: Flags


@dataclass(frozen=True, slots=True)
class Pages:
    """What other flows use of the pages' parts."""

    current_session: CurrentSession
    housekeeping: Housekeeping


def mount(router: Router, parts: PagesParts) -> Pages:
    """Add the pages' routes. Raises `StoreUnavailableError` when the store does not answer."""
    configuration, settings = parts.configuration, parts.configuration.settings
    store, rng = parts.store, parts.rng
    devices = KnownDevices(read_or_create(store, parts.sealer, DEVICES_SECRET_NAME, rng), rng)
    secret = read_or_create(store, parts.sealer, SECRET_NAME, rng)
    forms = FormPages(
        csrf=Csrf(secret, issuer=configuration.issuer, rng=rng),
        renderer=renderer(),
        snapshot=configuration.snapshot,
        devices=devices,
    )
    current_session = CurrentSession(
        store,
        parts.clock,
        snapshot=configuration.snapshot,
        grace_seconds=settings.session_grace_seconds,
    )
    housekeeping = Housekeeping(store, parts.clock, audit_days=settings.audit_days)
    sign_in, sign_up = _signing(parts, devices)
    answerer = Answerer(replica=configuration.name, snapshot=configuration.snapshot)
    router.add_route("/", Entrance())
    router.add_route("/favicon.ico", Favicon())
    offer = SignUpOffer(parts.flags, allowed=settings.sign_up)
    router.add_route("/sign-in", SignInPage(forms, sign_in, offer))
    router.add_route("/sign-up", SignUpPage(forms, sign_up, offer))
    router.add_route("/sign-out", SignOutPage(forms, current_session))
    router.add_route("/demo", DemoPage(forms, current_session, answerer, offer))
    return Pages(current_session=current_session, housekeeping=housekeeping)


def _signing(parts: PagesParts, devices: KnownDevices) -> tuple[SignIn, SignUp]:
    """Return what the two forms do; both start sessions alike."""
    store, clock, rng, hasher = parts.store, parts.clock, parts.rng, parts.hasher
    settings = parts.configuration.settings
    starter = SessionStarter(clock=clock, rng=rng, session_seconds=settings.session_seconds)
    sign_in = SignIn(
        store=store,
        hasher=hasher,
        clock=clock,
        starter=starter,
        devices=devices,
        mails=parts.mails,
        clients=parts.clients,
        flags=parts.flags,
    )
    sign_up = SignUp(
        store=store,
        creation=AccountCreation(hasher, clock, rng),
        starter=starter,
        clock=clock,
        mails=parts.mails,
    )
    return sign_in, sign_up

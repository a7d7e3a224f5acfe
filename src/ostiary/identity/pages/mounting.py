"""Putting the pages on the router."""

from dataclasses import dataclass

from ostiary.identity.accounts.creation import AccountCreation
from ostiary.identity.configuration import ReplicaConfiguration
from ostiary.identity.http.app import Router
from ostiary.identity.pages.csrf import SECRET_NAME, Csrf
from ostiary.identity.pages.demo import Answerer, DemoPage, Entrance, Favicon
from ostiary.identity.pages.forms import FormPages
from ostiary.identity.pages.problems import write_problem, write_problem_page
from ostiary.identity.pages.rendering import renderer
from ostiary.identity.pages.sign_in import SignInPage
from ostiary.identity.pages.sign_out import SignOutPage
from ostiary.identity.pages.sign_up import SignUpPage
from ostiary.identity.passwords.hashing import PasswordHasher
from ostiary.identity.sessions.current import CurrentSession
from ostiary.identity.sessions.signing_in import SignIn
from ostiary.identity.sessions.signing_up import SignUp
from ostiary.identity.sessions.starting import SessionStarter
from ostiary.identity.store.engine import Store
from ostiary.identity.store.server_secrets import read_or_create
from ostiary.kernel.clock import Clock
from ostiary.kernel.ids import Random

__all__ = ["Pages", "PagesParts", "mount", "write_problem", "write_problem_page"]


@dataclass(frozen=True, slots=True)
class PagesParts:
    """What the pages are made of."""

    configuration: ReplicaConfiguration
    store: Store
    clock: Clock
    rng: Random


@dataclass(frozen=True, slots=True)
class Pages:
    """What other flows use of the pages' parts."""

    current_session: CurrentSession
    hasher: PasswordHasher


def mount(router: Router, parts: PagesParts) -> Pages:
    """Add the pages' routes. Raises `StoreUnavailableError` when the store does not answer."""
    configuration, store, clock, rng = (
        parts.configuration,
        parts.store,
        parts.clock,
        parts.rng,
    )
    settings = configuration.settings
    secret = read_or_create(store, SECRET_NAME, rng)
    forms = FormPages(
        csrf=Csrf(secret, issuer=configuration.issuer, rng=rng),
        renderer=renderer(),
        snapshot=configuration.snapshot,
    )
    hasher = PasswordHasher(settings, rng)
    current_session = CurrentSession(store, clock)
    starter = SessionStarter(clock=clock, rng=rng, session_seconds=settings.session_seconds)
    sign_in = SignIn(store=store, hasher=hasher, clock=clock, starter=starter)
    sign_up = SignUp(store=store, creation=AccountCreation(hasher, clock, rng), starter=starter)
    answerer = Answerer(replica=configuration.name, snapshot=configuration.snapshot)
    router.add_route("/", Entrance())
    router.add_route("/favicon.ico", Favicon())
    router.add_route("/sign-in", SignInPage(forms, sign_in, sign_up_open=settings.sign_up))
    router.add_route("/sign-up", SignUpPage(forms, sign_up, is_open=settings.sign_up))
    router.add_route("/sign-out", SignOutPage(forms, current_session))
    router.add_route(
        "/demo", DemoPage(forms, current_session, answerer, sign_up_open=settings.sign_up)
    )
    return Pages(current_session=current_session, hasher=hasher)

"""Every effect of identity, asked twice: never counted twice, never zero, nothing revoked.

Attempt 1 is a candidate's. It dies before, during or after its transaction, as a real process that
is killed; or it is still running at that point when the second opinion is asked, and goes on after
it. The store is shared, SQLite and then PostgreSQL.
"""

import multiprocessing
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from ostiary.identity.mail.sending import MailSender
from tests.conformance.asking_twice import victim
from tests.conformance.asking_twice.effects import EFFECTS, Effect, Situation
from tests.conformance.asking_twice.interruption import KILLED, Point, interrupted
from tests.conformance.long_waits import long_waits
from tests.identity_app import IdentityService, build_identity

WAIT_SECONDS_MAX = 60
MAIL = {"mail_from": "login@example.org", "mail_smtp_url": "smtp://127.0.0.1:9"}
"""Mail is written. Nothing listens there."""

_NUMBERS = count(1)
every_effect = pytest.mark.parametrize("effect", EFFECTS, ids=lambda effect: type(effect).__name__)
every_point = pytest.mark.parametrize("point", list(Point), ids=lambda point: point.value)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("pg", marks=pytest.mark.postgres)])
def replicas(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[IdentityService, IdentityService]]:
    """The last good version and a candidate, on one store."""
    url = request.getfixturevalue("module_postgres_url") if request.param == "pg" else None
    service = build_identity(tmp_path_factory.mktemp("twice"), database_url=url, **MAIL)
    service.add_client()
    candidate = service.replica(name="identity-candidate", snapshot="s-candidate000")
    yield service, candidate
    service.close()


@pytest.fixture(scope="module", autouse=True)
def nobody_sends() -> Iterator[None]:
    """What the outbox holds is looked at; sending it has tests of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MailSender, "start", lambda _: None)
        yield


@pytest.fixture(scope="module", autouse=True)
def waiting_for_each_other() -> Iterator[None]:
    """One attempt may wait for another one for as long as the machine stands still."""
    with long_waits():
        yield


@pytest.fixture(scope="module")
def processes() -> multiprocessing.context.ForkServerContext:
    """Processes that come from one that has everything imported already."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([victim.__name__])
    return context


@pytest.fixture
def situation(replicas: tuple[IdentityService, IdentityService]) -> Situation:
    return Situation(replicas[0], next(_NUMBERS))


@every_effect
@every_point
def test_a_candidate_that_is_killed(
    replicas: tuple[IdentityService, IdentityService],
    processes: multiprocessing.context.ForkServerContext,
    situation: Situation,
    effect: Effect,
    point: Point,
) -> None:
    service, candidate = replicas
    request = effect.prepare(situation)
    arguments = (
        candidate.configuration.model_dump_json(),
        service.clock.now(),
        situation.as_attempt(request, 1),
        point,
    )
    process = processes.Process(target=victim.run, args=arguments)
    process.start()
    process.join(WAIT_SECONDS_MAX)
    assert process.exitcode == KILLED

    effect.prove(situation, situation.ask(service, request, 2))


@every_effect
@every_point
def test_a_candidate_that_is_still_running(
    replicas: tuple[IdentityService, IdentityService],
    situation: Situation,
    effect: Effect,
    point: Point,
) -> None:
    service, candidate = replicas
    request = effect.prepare(situation)
    reached, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        reached.set()
        assert go_on.wait(WAIT_SECONDS_MAX)

    def is_candidates() -> bool:
        return threading.current_thread().name.startswith("candidate")

    with (
        ThreadPoolExecutor(1, thread_name_prefix="candidate") as slow,
        ThreadPoolExecutor(1) as quick,
        interrupted(point, wait, when=is_candidates),
    ):
        try:
            first = slow.submit(situation.ask, candidate, request, 1)
            assert reached.wait(WAIT_SECONDS_MAX)
            second = quick.submit(situation.ask, service, request, 2)
            if point is not Point.DURING:
                # Inside its transaction, the first attempt makes the second one wait.
                second.result(WAIT_SECONDS_MAX)
        finally:
            go_on.set()
        first.result(WAIT_SECONDS_MAX)
        seen = second.result(WAIT_SECONDS_MAX)
    effect.prove(situation, seen)


@every_effect
def test_a_candidate_that_answers_and_is_not_believed(
    replicas: tuple[IdentityService, IdentityService], situation: Situation, effect: Effect
) -> None:
    service, candidate = replicas
    request = effect.prepare(situation)
    situation.ask(candidate, request, 1)
    effect.prove(situation, situation.ask(service, request, 2))


@every_effect
def test_a_candidate_that_comes_when_all_is_over(
    replicas: tuple[IdentityService, IdentityService], situation: Situation, effect: Effect
) -> None:
    service, candidate = replicas
    request = effect.prepare(situation)
    seen = situation.ask(service, request, 2)
    situation.ask(candidate, request, 1)
    effect.prove(situation, seen)

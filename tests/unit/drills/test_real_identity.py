"""Journeys, users and the drill's fault against the login service itself."""

import asyncio

import pytest

from ostiary.drills.facts import DrillFacts
from ostiary.drills.faults import apply_edits
from ostiary.drills.ledger import Came, read_ledger
from ostiary.drills.mutants.answers import Differences
from ostiary.drills.mutants.observer import Observer
from ostiary.drills.scenarios.catalogue import scenario
from ostiary.drills.scoring import score
from ostiary.drills.traffic import run_traffic
from ostiary.drills.traffic_plan import Application, Habits, TrafficPlan, invent_people
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SystemRandom
from ostiary.watch.journeys.admin_api import AdminApi
from ostiary.watch.journeys.pinned import run_quick_journeys
from ostiary.watch.journeys.probes import ProbeAdmin
from ostiary.watch.journeys.rehearsal import run_rehearsal_journeys
from ostiary.watch.relying_party.as_edge import AsEdge
from tests.unit.drills.identity_processes import (
    ADMIN_TOKEN,
    EDGE_TOKEN,
    ISSUER,
    IdentityProcesses,
)
from tests.unit.drills.repeating import repeated

pytestmark = pytest.mark.system

NO_TIME = ("outcome overloaded", "outcome store_unavailable")
PEOPLE = 40
LOOKS_MAX = 10
EARLIER = {"hash_memory_kib": 12_288, "hash_time_cost": 3}


@pytest.fixture(scope="module")
def replicas(tmp_path_factory):
    """Last good, a healthy candidate, and two with a fault; one user has an earlier hash."""
    processes = IdentityProcesses(tmp_path_factory.mktemp("identity"))
    try:
        good, bad = processes.copy_release("good"), processes.copy_release("bad")
        apply_edits(scenario("seed-000").content.fault.edits, bad)
        forgetful = processes.copy_release("forgetful")
        forget_earlier_parameters(forgetful)
        word_a_page_differently(forgetful)
        early = processes.start("early", "s-000000000000", good, settings=EARLIER)
        asyncio.run(make_old_user(early))
        processes.stop_last()
        started = {
            "last good": processes.start("identity-aaaaaaaaaaaa", "s-aaaaaaaaaaaa", good),
            "healthy": processes.start("identity-bbbbbbbbbbbb", "s-bbbbbbbbbbbb", good),
            "faulty": processes.start("identity-cccccccccccc", "s-cccccccccccc", bad),
            "forgetful": processes.start("identity-dddddddddddd", "s-dddddddddddd", forgetful),
        }
        # Though `setproctitle` is installed here, and Granian would use it.
        for line in processes.command_lines():
            assert "-m ostiary.identity --config" in line, line
        yield started
    finally:
        processes.close()


def forget_earlier_parameters(release):
    """Let a release read only hashes with the parameters of today's settings."""
    path = release / "ostiary/identity/passwords/hash_process.py"
    text = path.read_text()
    line = "        _VERIFIER.verify(text, password)\n"
    assert text.count(line) == 1
    forgetting = '        if b"m=19456,t=2,p=1" not in text:\n            return INVALID\n'
    path.write_text(text.replace(line, forgetting + line))


def word_a_page_differently(release):
    """Let a page say something else, which no journey minds."""
    (path,) = (release / "ostiary/identity/pages").rglob("sign_up.html")
    text = path.read_text()
    assert text.count("Create an account") >= 1
    path.write_text(text.replace("Create an account", "Open an account"))


async def make_old_user(early):
    async with AdminApi(early.base_url, ADMIN_TOKEN) as api:
        await api.create_user("old@example.org", "correct horse battery")
        await api.create_client(
            {"client_id": "machine", "grants": ["client_credentials"], "scopes": ["read"]}
        )


def rehearse(replicas, name):
    async def run():
        last_good = replicas["last good"]
        rng = SystemRandom()
        async with ProbeAdmin(last_good.base_url, ADMIN_TOKEN, rng=rng) as admin:
            return await run_rehearsal_journeys(
                [replicas[name]],
                admin=admin,
                clock=SystemClock(),
                rng=rng,
                last_good=last_good,
                leeway_seconds=1,
            )

    return asyncio.run(run())


def seen_at(replicas, name):
    """Return what a client sees of a replica that differs from last good."""
    last_good = replicas["last good"]

    async def run():
        rng = SystemRandom()
        people = invent_people(LOOKS_MAX, rng, domain="look.invalid")
        async with AdminApi(last_good.base_url, ADMIN_TOKEN) as api:
            for person in people:
                await api.create_user(person.email, person.password, roles=person.roles)
            secret = await api.create_client(
                {"client_id": "look", "redirect_uris": ["https://app.invalid/cb"], "public": False}
            )
            application = Application(
                client_id="look",
                client_secret=secret,
                redirect_uri="https://app.invalid/cb",
                audience=ISSUER,
            )
            as_edge = AsEdge(EDGE_TOKEN, rng)
            observer = Observer(
                ISSUER, iter(people).__next__, application, as_edge, SystemClock(), rng
            )
            try:
                return await observer.differences(last_good.base_url, replicas[name].base_url)
            finally:
                for person in people:
                    await api.delete_user(person.email)
                await api.delete_client("look")

    return asyncio.run(run())


def send_users(replicas, name, path):
    """Let every user of a small drill sign in twice at one replica."""
    target, last_good = replicas[name], replicas["last good"]

    async def run():
        people = invent_people(PEOPLE, SystemRandom())
        async with AdminApi(last_good.base_url, ADMIN_TOKEN) as api:
            for person in people:
                await api.create_user(person.email, person.password, roles=person.roles)
            secret = await api.create_client(
                {"client_id": "app", "redirect_uris": ["https://app.invalid/cb"], "public": False}
            )
            try:
                await run_traffic(
                    TrafficPlan(
                        base_url=target.base_url,
                        issuer=ISSUER,
                        application=Application(
                            client_id="app",
                            client_secret=secret,
                            redirect_uri="https://app.invalid/cb",
                            audience=ISSUER,
                        ),
                        people=tuple(people),
                        rate=10,
                        seconds=8,
                        timeout_seconds=30,
                        habits=Habits(
                            wrong_password=0.1, refresh=0.5, introspect=0.5, forged_token=0.2
                        ),
                    ),
                    path,
                    clock=SystemClock(),
                    rng=SystemRandom(),
                    stop=asyncio.Event(),
                )
            finally:
                for person in people:
                    await api.delete_user(person.email)
                await api.delete_client("app")

    asyncio.run(run())
    return read_ledger(path)


def test_a_healthy_release_passes_rehearsal(replicas):
    report = repeated(lambda: rehearse(replicas, "healthy"))

    assert [str(failure) for failure in report.failures] == []
    assert report.passed
    assert "sign_up" in report.strata_passed


def test_a_client_cannot_tell_a_healthy_release_from_last_good(replicas):
    assert seen_at(replicas, "healthy") == Differences()


def test_a_client_can_tell_another_word_on_a_page(replicas):
    found = seen_at(replicas, "forgetful")

    assert found.seen == ()
    lines = found.worded
    assert {line.partition(":")[0] for line in lines} == {"GET /sign-up", "GET /sign-up (2)"}
    assert all("Open an account" in line for line in lines)


def test_the_faulty_release_does_not(replicas):
    report = rehearse(replicas, "faulty")

    assert "sign_in" in report.strata_failed
    assert "sign_in_code_flow" in {failure.journey for failure in report.failures}


def test_a_release_that_cannot_read_hashes_of_earlier_parameters_is_refused(replicas):
    journey = "retained_hash:argon2id v=19 m=12288 t=3 p=1 salt=16 digest=32"

    report = repeated(
        lambda: rehearse(replicas, "forgetful"),
        enough=lambda found: [each.journey for each in found.failures] == [journey],
    )

    (failure,) = report.failures
    assert failure.journey == journey
    assert failure.step == "sign_in"
    assert "HTTP 500" in failure.got


def test_quick_journeys_pass_at_both_versions(replicas):
    async def run():
        last_good, rng = replicas["last good"], SystemRandom()
        async with (
            ProbeAdmin(last_good.base_url, ADMIN_TOKEN, rng=rng) as admin,
            admin.accounts(4) as accounts,
        ):
            return await run_quick_journeys(
                [replicas["healthy"], last_good], accounts=accounts, clock=SystemClock(), rng=rng
            )

    report = repeated(lambda: asyncio.run(run()))

    assert [str(failure) for failure in report.failures] == []


def test_no_probe_is_left(replicas):
    rehearse(replicas, "healthy")

    async def left():
        async with AdminApi(replicas["last good"].base_url, ADMIN_TOKEN) as api:
            emails = await api.list_probe_emails(domain="probe.invalid")
            return emails, await api.list_probe_clients()

    assert asyncio.run(left()) == ([], [])


def test_users_of_a_healthy_release_get_what_is_theirs(replicas, tmp_path):
    ledger = send_users(replicas, "healthy", tmp_path / "ledger.jsonl")

    # One replica without an edge sheds what it cannot hash within a second, or write while another
    # process holds the store's lock, and nobody asks elsewhere: on a machine that stands still for
    # that long it is what a correct service does.
    others = [e for e in ledger.entries if e.came not in {Came.GRANTED, Came.REFUSED}]
    wrong = [e for e in others if not any(outcome in e.detail for outcome in NO_TIME)]
    assert wrong == []
    assert len(others) < len(ledger.entries) / 4, others
    assert score(ledger, DrillFacts("seed-000", "unguarded")).wrong_yes == 0


def test_the_fault_hits_three_quarters_of_the_users(replicas, tmp_path):
    ledger = send_users(replicas, "faulty", tmp_path / "ledger.jsonl")

    result = score(ledger, DrillFacts("seed-000", "unguarded"))
    assert result.users_total == PEOPLE
    assert 0.65 <= result.users_affected / result.users_total <= 0.85
    assert {entry.came for entry in ledger.entries if not entry.ok} == {Came.FAULT}

"""The ledger tells the truth about a service that is healthy, slow, wrong, or not there."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from ostiary.drills.ledger import Came, Expected, read_ledger
from ostiary.drills.scoring import DrillFacts, affected_users, score
from ostiary.drills.traffic import main, run_traffic
from ostiary.drills.traffic_plan import (
    Application,
    Habits,
    TrafficPlan,
    invent_people,
    write_plan,
)
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import NotRunningError
from ostiary.kernel.ids import SeededRandom, SystemRandom
from tests.unit.watch.small_provider.provider import DROP, SmallProvider
from tests.unit.watch.small_provider.store import Client, Store, User

REDIRECT_URI = "https://app.example/callback"
ALWAYS = Habits(wrong_password=0, refresh=1, introspect=1, forged_token=1)


@pytest.fixture
def start():
    """Start providers whose store already has the drill's users and application."""
    running = []

    def start_one(people=6, **options):
        store = Store()
        grants = ["authorization_code", "refresh_token"]
        store.clients["app"] = Client(
            "app", "hush", [REDIRECT_URI], "urn:api", 300, probe=False, grants=grants
        )
        for person in invent_people(people, SeededRandom(1)):
            digit = "0" if len(store.users) % 4 else "f"
            store.users[person.email] = User(
                f"{digit}-{person.name}", person.email, person.password, list(person.roles), False
            )
        provider = SmallProvider(store, **options)
        running.append(provider)
        return provider

    yield start_one
    for provider in running:
        provider.server.close()


def plan_for(provider, people=6, **changed):
    values = {"rate": 40, "seconds": 1.5, "seed": 7, "habits": ALWAYS, **changed}
    return TrafficPlan(
        base_url=provider.url,
        issuer=provider.issuer,
        application=Application(
            client_id="app", client_secret="hush", redirect_uri=REDIRECT_URI, audience="urn:api"
        ),
        people=tuple(invent_people(people, SeededRandom(1))),
        **values,
    )


def run(plan, path):
    async def go():
        stop = asyncio.Event()
        await run_traffic(plan, path, clock=SystemClock(), rng=SystemRandom(), stop=stop)

    asyncio.run(go())
    return read_ledger(path)


def came(ledger, action):
    return {entry.came for entry in ledger.entries if entry.action == action}


def test_a_healthy_service_grants_everything_that_it_should(start, tmp_path):
    provider = start()
    habits = Habits(wrong_password=1, refresh=1, introspect=1, forged_token=1)

    ledger = run(plan_for(provider, habits=habits), tmp_path / "ledger.jsonl")

    assert [entry for entry in ledger.entries if not entry.ok] == []
    assert len(ledger.entries) == 60 * 7
    assert {entry.action for entry in ledger.entries} == {
        "wrong_password",
        "sign_in",
        "token",
        "userinfo",
        "introspect",
        "forged_token",
        "refresh",
    }
    refusals = {e.action for e in ledger.entries if e.expected is Expected.REFUSE}
    assert refusals == {"wrong_password", "forged_token"}
    assert came(ledger, "wrong_password") == {Came.REFUSED}
    result = score(ledger, DrillFacts("seed-000", "unguarded"))
    assert result.users_total == 6
    assert result.users_affected == 0


def test_who_signs_in_to_another_application_gets_tokens_for_its_audience(start, tmp_path):
    provider = start()
    grants = ["authorization_code", "refresh_token"]
    provider.store.clients["shop"] = Client(
        "shop", "secret", [REDIRECT_URI], "urn:shop", 300, probe=False, grants=grants
    )
    shop = Application(
        client_id="shop", client_secret="secret", redirect_uri=REDIRECT_URI, audience="urn:shop"
    )
    plan = plan_for(provider)
    moved = [
        person.model_copy(update={"application": "shop"}) if number < 2 else person
        for number, person in enumerate(plan.people)
    ]
    plan = plan.model_copy(update={"people": tuple(moved), "others": (shop,)})

    right = run(plan, tmp_path / "right.jsonl")
    wrong = plan.model_copy(
        update={"others": (shop.model_copy(update={"audience": "urn:elsewhere"}),)}
    )
    refused = run(wrong, tmp_path / "wrong.jsonl")

    assert affected_users(right.entries) == set()
    assert affected_users(refused.entries) == {"u-0000", "u-0001"}
    assert {e.came for e in refused.entries if not e.ok} == {Came.WRONG_CONTENT}


def test_a_fault_for_some_users_affects_exactly_those(start, tmp_path):
    provider = start(people=8, faults={"crashes_for_some"})

    ledger = run(plan_for(provider, people=8), tmp_path / "ledger.jsonl")

    hit = {u.email.partition("@")[0][5:] for u in provider.store.users.values() if u.id[0] == "0"}
    assert affected_users(ledger.entries) == {f"u-{number}" for number in hit}
    assert len(hit) == 6
    assert came(ledger, "sign_in") == {Came.GRANTED, Came.FAULT}
    failed = next(entry for entry in ledger.entries if not entry.ok)
    assert "sign_in: expected a redirect after signing in, got HTTP 500" in failed.detail
    assert "request r-" in failed.detail


@pytest.mark.parametrize(
    ("fault", "action", "expected"),
    [
        ("refuses_everybody", "sign_in", Came.REFUSED),
        ("token_endpoint_crashes", "token", Came.FAULT),
        ("wrong_key", "token", Came.WRONG_CONTENT),
        ("unknown_kid", "token", Came.WRONG_CONTENT),
        ("drops_nonce", "token", Came.WRONG_CONTENT),
        ("one_subject_for_all", "token", Came.WRONG_IDENTITY),
        ("no_refresh_token", "refresh", Came.REFUSED),
    ],
)
def test_what_a_fault_does_is_recorded_as_the_user_sees_it(
    fault, action, expected, start, tmp_path
):
    provider = start(faults={fault})

    ledger = run(plan_for(provider, seconds=0.5), tmp_path / "ledger.jsonl")

    assert came(ledger, action) == {expected}
    assert all(not entry.ok for entry in ledger.entries if entry.action == action)
    assert len(affected_users(ledger.entries)) == 6


def test_somebody_elses_userinfo_is_a_wrong_identity(start, tmp_path):
    provider = start(faults={"wrong_identity"})

    ledger = run(plan_for(provider), tmp_path / "ledger.jsonl")

    assert came(ledger, "userinfo") == {Came.GRANTED, Came.WRONG_IDENTITY}
    assert len(affected_users(ledger.entries)) == 5, "for one of the six it is the right one"


def test_an_accepted_wrong_password_is_a_wrong_yes(start, tmp_path):
    provider = start(faults={"accepts_any_password"})
    habits = Habits(wrong_password=1, refresh=0, introspect=0, forged_token=0)

    ledger = run(plan_for(provider, seconds=0.5, habits=habits), tmp_path / "ledger.jsonl")

    wrong = [entry for entry in ledger.entries if entry.action == "wrong_password"]
    assert all(entry.wrong_yes and not entry.ok for entry in wrong)
    assert affected_users(ledger.entries) == frozenset()


def test_an_accepted_forgery_is_a_wrong_yes(start, tmp_path):
    provider = start(faults={"signature_ignored"})

    ledger = run(plan_for(provider, seconds=0.5), tmp_path / "ledger.jsonl")

    forged = [entry for entry in ledger.entries if entry.action == "forged_token"]
    assert forged
    assert all(entry.wrong_yes for entry in forged)


def test_dropped_connections_are_no_answers(start, tmp_path):
    def drop(request):
        return DROP if request.path == "/oauth2/token" else None

    ledger = run(plan_for(start(before=drop), seconds=0.5), tmp_path / "ledger.jsonl")

    assert came(ledger, "sign_in") == {Came.GRANTED}
    assert came(ledger, "token") == {Came.NO_ANSWER}


def test_one_retry_hides_one_dropped_connection(start, tmp_path):
    dropped = set()

    def drop_once(request):
        if request.path != "/oauth2/userinfo" or request.bearer in dropped:
            return None
        dropped.add(request.bearer)
        return DROP

    habits = Habits(wrong_password=0, refresh=0, introspect=0, forged_token=0)
    plan = plan_for(start(before=drop_once), seconds=0.5, habits=habits, retry=True)

    ledger = run(plan, tmp_path / "ledger.jsonl")

    assert dropped
    assert all(entry.ok for entry in ledger.entries)


def test_a_slow_service_does_not_slow_the_arrivals_and_its_time_counts_in_full(start, tmp_path):
    """Open loop: a service that handles one sign-in at a time makes the later ones wait."""
    one_at_a_time = threading.Lock()

    def slow(request):
        if request.method == "POST" and request.path == "/sign-in":
            with one_at_a_time:
                time.sleep(0.1)

    habits = Habits(wrong_password=0, refresh=0, introspect=0, forged_token=0)
    plan = plan_for(start(before=slow), rate=40, seconds=1, habits=habits)

    ledger = run(plan, tmp_path / "ledger.jsonl")

    sign_ins = [entry for entry in ledger.entries if entry.action == "sign_in"]
    assert len(sign_ins) == 40
    last_start = max(entry.started for entry in sign_ins)
    first_end = sorted(entry.ended for entry in sign_ins)[20]
    assert last_start < first_end, "all had come before half of them were served"
    latest = max(sign_ins, key=lambda entry: entry.intended)
    assert latest.ended - latest.intended > 2, "40 users of 0.1 s each within a second"


def test_a_service_that_hangs_is_given_up_after_the_timeout(start, tmp_path):
    release = threading.Event()

    def hang(request):
        if request.path == "/oauth2/userinfo":
            release.wait(30)

    plan = plan_for(start(before=hang), seconds=0.25, timeout_seconds=0.5)
    ledger = run(plan, tmp_path / "ledger.jsonl")
    release.set()

    assert came(ledger, "userinfo") == {Came.TIMEOUT}
    waited = [e.ended - e.started for e in ledger.entries if e.action == "userinfo"]
    assert min(waited) >= 0.5


def test_users_over_the_bound_are_not_started_and_the_run_is_void(start, tmp_path):
    release = threading.Event()

    def hang(request):
        if request.path == "/oauth2/userinfo":
            release.wait(30)

    plan = plan_for(start(before=hang), seconds=1, timeout_seconds=2, in_flight_max=5)
    ledger = run(plan, tmp_path / "ledger.jsonl")
    release.set()

    assert len({entry.visit for entry in ledger.entries}) == 5
    assert score(ledger, DrillFacts("d", "unguarded")).void


def test_the_same_seed_brings_the_same_actions(start, tmp_path):
    provider = start()
    habits = Habits(wrong_password=0.3, refresh=0.5, introspect=0.5, forged_token=0.3)

    def actions(name):
        ledger = run(plan_for(provider, habits=habits), tmp_path / name)
        return sorted((entry.visit, entry.user, entry.action) for entry in ledger.entries)

    assert actions("one") == actions("two")


def test_a_ledger_holds_no_secret(start, tmp_path):
    provider = start(faults={"crashes_for_some"})
    path = tmp_path / "ledger.jsonl"

    run(plan_for(provider), path)

    text, store = path.read_text(), provider.store
    held = [*store.codes, *store.sessions, *store.refresh_tokens, "hush"]
    held += [user.password for user in store.users.values()]
    assert not [secret for secret in held if secret in text]


def test_a_service_that_is_not_there_is_told(start, tmp_path):
    provider = start()
    plan = plan_for(provider).model_copy(update={"base_url": "http://127.0.0.1:1"})

    with pytest.raises(NotRunningError, match="No login service"):
        run(plan, tmp_path / "ledger.jsonl")


def test_the_process_writes_the_ledger_and_ends_when_told(start, tmp_path):
    provider, ledger = start(), tmp_path / "ledger.jsonl"
    plan = tmp_path / "plan.json"
    write_plan(plan, plan_for(provider, seconds=3600))
    argv = [sys.executable, "-m", "ostiary.drills.traffic"]
    process = subprocess.Popen([*argv, "--plan", str(plan), "--ledger", str(ledger)])
    try:
        deadline = time.monotonic() + 30
        while not (ledger.exists() and len(ledger.read_bytes().splitlines()) > 20):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()

    assert read_ledger(ledger).ended_at is not None
    arguments = [each for each in plan_for(provider).people if each.password in " ".join(argv)]
    assert arguments == []


def test_a_killed_process_leaves_a_ledger_that_can_be_read(start, tmp_path):
    provider, ledger = start(), tmp_path / "ledger.jsonl"
    plan = tmp_path / "plan.json"
    write_plan(plan, plan_for(provider, seconds=3600))
    argv = [sys.executable, "-m", "ostiary.drills.traffic", "--plan", str(plan)]
    process = subprocess.Popen([*argv, "--ledger", str(ledger)])
    try:
        deadline = time.monotonic() + 30
        while not (ledger.exists() and len(ledger.read_bytes().splitlines()) > 20):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()

    read = read_ledger(ledger)
    assert len(read.entries) >= 19
    assert score(read, DrillFacts("d", "unguarded")).void


def test_a_wrong_plan_ends_the_process_with_one_line(tmp_path, capsys):
    assert main(["--plan", str(tmp_path / "none.json"), "--ledger", str(tmp_path / "l")]) == 2
    assert capsys.readouterr().err.startswith("plan_not_readable: Cannot read the plan")

"""Journeys at both versions: what counts against the new one, and what says nothing."""

import asyncio
import json
from contextlib import closing

import pytest

from ostiary.changes.verdicts import JourneyRun
from ostiary.guard.verdicts import record
from ostiary.guard.verdicts.trying import Tools, run_pair
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.ids import SeededRandom
from ostiary.kernel.journal import Journal
from tests.fakes.clock import FakeClock
from tests.unit.guard.verdicts.conftest import rollouts_in
from tests.unit.guard.verdicts.versions import ISSUER, KEYS, document
from tests.unit.watch.own_journeys.conftest import of_json
from tests.unit.watch.small_provider.wire import Response

SECRET = "s3cret-of-the-probe"


def run(versions, canary_url: str | None = None) -> JourneyRun:
    stable, canary = versions
    (rollout,) = rollouts_in(stable.url, canary_url or canary.url, 'journeys = ["token"]').values()
    tools = Tools(SystemClock(), SeededRandom("trying"), {"SECRET": SECRET})
    return asyncio.run(run_pair(rollout, tools))


def test_two_versions_that_do_alike_pass(versions):
    found = run(versions)
    assert found == JourneyRun({"discovery": (None, None), "token": (None, None)})
    stable, canary = versions
    assert {request.headers["host"] for request in stable.seen + canary.seen} == {
        ISSUER.removeprefix("http://")
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": f"{ISSUER}/"}, f"expected the issuer {ISSUER}"),
        ({"jwks_uri": None}, "expected jwks_uri at the issuer"),
        ({"jwks_uri": "http://elsewhere.test/jwks"}, "expected jwks_uri at the issuer"),
        ({"token_endpoint": None}, "expected token_endpoint, which the stable version has"),
        ({"grant_types_supported": ["authorization_code"]}, "without 'client_credentials'"),
        ({"id_token_signing_alg_values_supported": "ES256"}, "'ES256'"),
    ],
)
def test_discovery_that_lacks_what_applications_use_counts_against_it(versions, changes, said):
    versions[1].document = document(**changes)
    new, old = run(versions).failures["discovery"]
    assert old is None
    assert said.replace("without", "none of") in new or said in new


def test_more_than_the_stable_version_has_is_no_failure(versions):
    versions[1].document = document(grant_types_supported=["authorization_code", "a", "b"])
    versions[0].document = document(grant_types_supported=["authorization_code"])
    versions[1].keys = {"keys": [*KEYS, {**KEYS[0], "kid": "three"}]}
    assert run(versions).failures["discovery"] == (None, None)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"keys": KEYS[:1]}, "none of 'two'"),
        ({"keys": []}, "expected a set of keys"),
        ({"keys": ["one"]}, "expected a set of keys"),
        ({"keys": [{**KEYS[0], "d": "secret-part"}, KEYS[1]]}, "got a private key"),
        ([], "expected a JSON object"),
        ({"keys": KEYS, "more": "x" * 2_000_000}, "expected a body of at most"),
    ],
)
def test_keys_that_are_missing_or_private_count_against_it(versions, keys, said):
    versions[1].keys = keys
    new, old = run(versions).failures["discovery"]
    assert old is None
    assert said in new
    assert "secret-part" not in new


DEEP = json.loads("[" * 900 + "]" * 900)
HOSTILE = [
    of_json({"keys": [{"kid": DEEP}, {"kid": "\ud800"}, {"kid": None, "more": DEEP}]}),
    of_json({"keys": [{"kid": f"k{number}"} for number in range(20_000)]}),
    of_json({"issuer": DEEP, "jwks_uri": DEEP}),
    of_json({"issuer": "\ud800", "jwks_uri": "http://[", "keys": "\ud800"}),
    of_json({"issuer": ISSUER, "jwks_uri": "//", "scopes_supported": [DEEP, 1, None]}),
    Response(200, "", b"\xff\xfe\x00"),
    Response(200, "", b"[" * 1_000_000),
    Response(200, "", b'{"issuer": ' + b"9" * 5_000 + b"}"),
    Response(302, "", b"", [("location", "http://elsewhere.test/")]),
    Response(204, ""),
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_whatever_a_version_answers_a_run_ends_and_can_be_noted(versions, number, tmp_path):
    versions[1].broken = HOSTILE[number]
    found = run(versions)
    assert found.failures["discovery"][0] is not None
    with closing(Journal(tmp_path / "verdicts.db", FakeClock())) as journal:
        journal.append(record.JOURNEYS_RUN, "login", record.run_data(found))


def test_a_version_that_hangs_up_has_failed(versions):
    versions[1].hangs_up = True
    found = run(versions)
    assert found.canary_there
    assert "RemoteProtocolError" in found.failures["discovery"][0]
    assert found.failures["discovery"][1] is None


def test_a_journey_counts_where_it_fails(versions):
    stable, canary = versions
    canary.token = of_json({"error": "server_error", "echo": SECRET}, status=500)
    found = run(versions).failures["token"]
    assert found[1] is None
    assert "expected HTTP 200, got HTTP 500" in found[0]
    assert SECRET not in found[0]
    stable.token = canary.token
    assert all(run(versions).failures["token"])


def test_a_version_that_answers_nothing_but_takes_connections_has_failed(versions):
    versions[1].broken = Response(503, "", b"no healthy upstream")
    found = run(versions)
    assert found.canary_there
    assert all(new and not old for new, old in found.failures.values())


def test_a_version_that_takes_no_connections_is_not_there(versions):
    versions[1].server.close()
    assert not run(versions).canary_there
    nowhere = run(versions, canary_url="http://no-such-service.invalid:8080")
    assert not nowhere.canary_there

"""A release that is broken for one rare grant is found by that grant, not by all token requests."""

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from tests.guarded.releases import Fault
from tests.guarded.test_bad_releases import propose, require_as_it_was
from tests.guarded.users import LATE
from tests.system import RunningSystem, call_ostiary

pytestmark = pytest.mark.system

NO_TOKENS_FOR_MACHINES = Fault(
    "ostiary/identity/oauth/token/client_credentials_grant.py",
    '        """Return the token response."""\n',
    '        raise KeyError("minter")\n',
)
OTHERS_PER_MACHINE = 20


class Applications:
    """Token requests one after another: few of a machine, many that redeem a code of nobody's."""

    def __init__(self, system: RunningSystem) -> None:
        client = system.ostiary("client", "add", "machine", "--grant", "client_credentials")
        self._url = f"{system.issuer}/oauth2/token"
        self._proof = (client["client_id"], client["client_secret"])
        self.ended = threading.Event()
        self.answers: Counter[tuple[str, int]] = Counter()

    def run(self) -> None:
        with httpx.Client(auth=self._proof, timeout=20) as client:
            while not self.ended.is_set():
                self._ask(client, grant_type="client_credentials")
                for _ in range(OTHERS_PER_MACHINE):
                    self._ask(client, grant_type="authorization_code", code="nobody's")

    def _ask(self, client: httpx.Client, **form: str) -> None:
        answer = client.post(self._url, data=form)
        self.answers[form["grant_type"], answer.status_code] += 1


@contextmanager
def asking(system: RunningSystem) -> Iterator[Applications]:
    applications = Applications(system)
    thread = threading.Thread(target=applications.run)
    thread.start()
    try:
        yield applications
    finally:
        applications.ended.set()
        thread.join()


def test_a_release_broken_for_one_rare_grant_is_rolled_back_by_the_evidence_of_that_grant(
    guarded: RunningSystem, release
) -> None:
    before = guarded.status()
    with asking(guarded) as applications:
        code, result = propose(guarded, release(NO_TOKENS_FOR_MACHINES), "--from", "canary")

    assert (code, result["verdict"], result["stage"]) == (5, "rolled_back", "canary"), result
    late = [key for key in applications.answers if key[1] in LATE]
    assert result["users_affected"] <= sum(applications.answers[key] for key in late)
    assert result["failed_attempts_hidden"] > 0
    (reason, *_) = result["reasons"]
    assert reason["code"] == "harm", result["reasons"]
    assert reason["numbers"]["stratum"] == "token.client_credentials", result["reasons"]
    assert "token (client credentials): " in reason["text"]
    # A machine that stands still for seconds is no fault of the release.
    assert applications.answers.keys() - late == {
        ("client_credentials", 200),
        ("authorization_code", 400),
    }
    assert sum(applications.answers[key] for key in late) < applications.answers.total() / 50
    require_as_it_was(guarded, before)

    shown = call_ostiary("change", "show", result["change"], data=guarded.data)
    assert "token.client_credentials" in json.dumps(json.loads(shown.stdout)["reasons"])

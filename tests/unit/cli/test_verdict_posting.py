"""Counters from a Prometheus server, posted to the real service."""

from contextlib import closing
from typing import Any

import httpx
import pytest

from ostiary.cli.verdict_posting import Poster, poster
from ostiary.guard.verdicts.posting import Queries, read_counters
from ostiary.kernel.clock import SystemClock
from ostiary.kernel.errors import OstiaryError, UsageError
from tests.unit.guard.verdicts.conftest import TOKENS, rollouts_in, serving
from tests.unit.watch.own_journeys.conftest import of_json
from tests.unit.watch.small_provider.wire import HttpServer, Response

QUERIES = Queries("requests", "faults", "refusals", "share")
Row = tuple[dict[str, str], str]


class Prometheus:
    """Answers instant queries by their text; `answer` replaces all answers."""

    def __init__(self) -> None:
        self.results: dict[str, list[Row]] = {}
        self.answer: Response | None = None
        self.times: set[str] = set()
        self.server = HttpServer(self._answer)

    def _answer(self, request):
        if self.answer is not None:
            return self.answer
        assert request.path == "/api/v1/query"
        self.times.add(request.query["time"])
        rows = [
            {"metric": labels, "value": [0, value]}
            for labels, value in self.results.get(request.query["query"], [])
        ]
        return of_json({"status": "success", "data": {"resultType": "vector", "result": rows}})

    def count(self, canary: int, stable: int, faults: int = 0, share: str = "5") -> None:
        one, other = ({"arm": arm, "route": "token", "pod": "p"} for arm in ("canary", "stable"))
        self.results = {
            "requests": [(one, str(canary)), (other, str(stable))],
            "faults": [(one, str(faults))] if faults else [],
            "share": [({}, share)],
        }


@pytest.fixture
def prometheus():
    made = Prometheus()
    yield made
    made.server.close()


@pytest.fixture
def service(tmp_path):
    rollouts = rollouts_in("http://stable.test", "http://canary.test", 'routes = ["token"]')
    with serving(rollouts, tmp_path / "verdicts.db", walking=False) as served:
        yield served


def posting(prometheus, service, role="proposer"):
    return poster(
        prometheus=prometheus.server.url,
        service=f"http://127.0.0.1:{service.port}",
        token=TOKENS[role],
        clock=SystemClock(),
    )


def counters(prometheus, queries=QUERIES) -> dict[str, Any]:
    with httpx.Client(base_url=prometheus.server.url) as client:
        return read_counters(client, queries, 1_000.5)


def test_what_prometheus_counts_reaches_the_verdict(prometheus, service):
    with posting(prometheus, service) as posted:
        assert posted.post("login", QUERIES) is None
        service.ask("r1")
        prometheus.count(100, 900)
        posted.post("login", QUERIES)
        prometheus.count(300, 2900, faults=100)
        answer = posted.post("login", QUERIES)
    assert answer is not None
    assert answer["verdict"] == "stop"
    counted = answer["evidence"]["routes"]["token"]
    assert counted["canary"] == {"requests": 200, "faults": 100, "refusals": 0}
    assert counted["stable"]["requests"] == 2000


def test_one_reading_is_of_one_moment_and_has_one_total_per_source(prometheus):
    prometheus.results = {
        "requests": [
            ({"arm": "canary", "route": "token", "pod": "a"}, "12"),
            ({"arm": "stable", "instance": "10.0.0.1:80"}, "7"),
        ],
        # Scraped a moment later than the requests.
        "faults": [({"arm": "canary", "route": "token", "pod": "a"}, "13")],
        "share": [({}, "5"), ({}, "6")],
    }
    assert counters(prometheus) == {
        "counters": [
            {"arm": "canary", "route": "token", "source": "a"}
            | {"requests": 12, "faults": 12, "refusals": 0},
            {"arm": "stable", "route": "all", "source": "10.0.0.1:80"}
            | {"requests": 7, "faults": 0, "refusals": 0},
        ],
        "share": None,
    }
    assert prometheus.times == {"1000.500"}
    assert "share" not in counters(prometheus, Queries("requests", "faults"))


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "gives nothing, for neither version"),
        ([({"pod": "a"}, "1")], "no label `arm`"),
        ([({"arm": "primary"}, "1")], "no label `arm`"),
        ([({"arm": "canary"}, "NaN")], "one total per arm"),
        ([({"arm": "canary"}, "+Inf")], "one total per arm"),
        ([({"arm": "canary"}, "-1")], "one total per arm"),
        ([({"arm": "canary"}, "many")], "none of the query API"),
        ([({"arm": "canary", "code": "1"}, "1"), ({"arm": "canary"}, "1")], "one total per arm"),
    ],
)
def test_results_that_are_no_totals_are_refused(prometheus, rows, said):
    prometheus.results = {"requests": rows}
    with pytest.raises(UsageError) as caught:
        counters(prometheus)
    assert said in caught.value.message


@pytest.mark.parametrize(
    "answer",
    [
        of_json({"status": "error", "error": "parse error"}, status=400),
        of_json({"status": "success", "data": {"resultType": "matrix", "result": []}}),
        of_json([]),
        Response(502, "", b"<html>"),
        None,
    ],
)
def test_a_prometheus_that_answers_otherwise_is_told_and_nothing_is_posted(
    prometheus, service, answer
):
    service.ask("r1")
    if answer is None:
        prometheus.server.close()
    prometheus.answer = answer
    with posting(prometheus, service) as posted, pytest.raises(UsageError) as caught:
        posted.post("login", QUERIES)
    assert caught.value.code == "prometheus_unusable"


def test_a_service_that_refuses_or_is_away_is_told(prometheus, service):
    service.ask("r1")
    prometheus.count(1, 1)
    with posting(prometheus, service, "viewer") as posted, pytest.raises(UsageError) as caught:
        posted.post("login", QUERIES)
    assert caught.value.code == "not_permitted"
    with posting(prometheus, service) as posted, pytest.raises(UsageError) as caught:
        posted.post("logn", QUERIES)
    assert "Did you mean login?" in caught.value.message
    service.port = 1
    with posting(prometheus, service) as posted, pytest.raises(OstiaryError) as away:
        posted.post("login", QUERIES)
    assert away.value.code == "verdicts_unreachable"


def test_what_goes_wrong_is_told_once_and_posting_goes_on() -> None:
    problems = ["one", "one", "two", "", ""]
    told: list[str] = []

    class Failing(Poster):
        def post(self, name, queries):
            if not problems:
                raise KeyboardInterrupt
            if problem := problems.pop(0):
                raise UsageError("wrong", problem)

    with closing(httpx.Client()) as client, pytest.raises(KeyboardInterrupt):
        Failing(client, client, SystemClock()).post_for_ever(
            "login", QUERIES, seconds=0, tell=told.append
        )
    assert told == ["one", "two", "Counts are posted again."]


@pytest.mark.parametrize(
    ("prometheus", "to", "said"),
    [("prometheus:9090", "http://v.test", "--prometheus"), ("http://p.test", "verdicts", "--to")],
)
def test_an_address_that_is_none_is_refused(prometheus, to, said) -> None:
    with (
        pytest.raises(UsageError) as caught,
        poster(prometheus=prometheus, service=to, token="t", clock=SystemClock()),
    ):
        pytest.fail("there is a poster")
    assert (caught.value.code, said in caught.value.message) == ("url_unusable", True)

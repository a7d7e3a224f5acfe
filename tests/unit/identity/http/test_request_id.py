"""An answer can be found again in the log, whichever way its request came."""

import pytest

from ostiary.kernel.outcomes import REQUEST_ID_HEADER
from tests.identity_app import IdentityService


@pytest.mark.parametrize("path", ["/sign-in", "/nothing/here", "/admin/users"])
def test_an_answer_to_a_request_past_the_edge_names_the_request_as_the_log_does(
    service: IdentityService, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    client = service.client()

    first, second = client.simulate_get(path), client.simulate_get(path)

    named = [answer.headers[REQUEST_ID_HEADER] for answer in (first, second)]
    logged = capsys.readouterr().out
    assert named[0] != named[1]
    assert all(request_id in logged for request_id in named)


def test_a_request_id_from_elsewhere_is_not_taken_over(service: IdentityService) -> None:
    answer = service.client().simulate_get("/sign-in", headers={REQUEST_ID_HEADER: "forged"})

    assert answer.headers[REQUEST_ID_HEADER] != "forged"


def test_to_the_edge_no_request_id_is_told_since_it_sets_its_own(
    service: IdentityService,
) -> None:
    assert REQUEST_ID_HEADER not in service.edge().get("/sign-in").headers


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_a_request_that_is_refused_unread_gets_no_invented_id(service: IdentityService) -> None:
    assert REQUEST_ID_HEADER not in service.edge().request("WEBSOCKET", "/sign-in").headers

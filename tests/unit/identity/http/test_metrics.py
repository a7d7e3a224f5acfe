"""What a request may choose of the metrics and of the log."""

import pytest

from tests.identity_app import IdentityService


@pytest.mark.filterwarnings("ignore:Unknown REQUEST_METHOD")
def test_methods_that_nobody_uses_make_one_series_and_one_word_in_the_log(
    service: IdentityService, capsys: pytest.CaptureFixture[str]
) -> None:
    for method in ("BREW", "X" * 500, "brew", "TRACE", "POST"):
        service.client().simulate_request(method, "/sign-in")
    logged = capsys.readouterr().out
    text = service.identity.metrics().decode()
    assert "other" in logged
    assert 'method="other"' in text
    assert 'method="POST"' in text
    for chosen in ("brew", "xxx", "trace"):
        assert chosen not in logged.casefold()
        assert chosen not in text.casefold()

"""What is asked of every framework alike."""

from collections.abc import Callable

import pytest

from tests.unit.verify.issuer import Issuer

BearerFor = Callable[..., dict[str, str]]


@pytest.fixture
def bearer(issuer: Issuer) -> BearerFor:
    """Make the headers of a request with a good token."""
    return lambda **claims: {"authorization": f"Bearer {issuer.token(**claims)}"}

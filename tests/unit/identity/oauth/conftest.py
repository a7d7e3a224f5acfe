"""A signed-in person and the application they use."""

import pytest

from tests.identity_app import IdentityService
from tests.unit.identity.oauth.flow import RelyingParty


@pytest.fixture
def party(service: IdentityService) -> RelyingParty:
    """A public client whose user, Ada, is signed in."""
    service.add_user(roles=("admin",))
    service.add_client()
    browser = service.edge()
    assert browser.sign_in().status_code == 303
    return RelyingParty(service, browser)


@pytest.fixture
def candidate(service: IdentityService) -> IdentityService:
    """A replica of another snapshot, on the same store."""
    return service.replica(name="identity-candidate", snapshot="s-candidate000")

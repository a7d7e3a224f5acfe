"""A signed-in person and the application they use."""

from tests.unit.identity.oauth.conftest import party

__all__ = ["party"]

"""`revision`: which revision of the store's tables this release needs."""

from typing import Any

from ostiary.identity.store.revision import HEAD


def run(_request: dict[str, Any]) -> dict[str, Any]:
    """Return the `revision`; a store that is at it, or further, is not migrated."""
    return {"revision": HEAD}

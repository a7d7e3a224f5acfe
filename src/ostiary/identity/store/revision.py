"""The revision of the store's tables that this release needs.

It stands alone, so that a release can tell it without loading anything else.
"""

HEAD = "0004"
"""The newest file in `migrations/versions`."""

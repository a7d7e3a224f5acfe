"""URLs as settings hold them."""

import re
from urllib.parse import SplitResult, urlsplit


def http_parts(url: str) -> SplitResult | None:
    """Return the parts of an http or https URL with a host; None for anything else."""
    if re.search(r"[\s\x00-\x1f\x7f\\]", url):
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port  # a port that is no number shows only when it is read
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None

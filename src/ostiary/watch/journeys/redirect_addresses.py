"""Addresses that are like a registered one, and must not be taken for it.

Registered addresses are compared as text, character by character (RFC 9700, section 2.1): each of
these was once enough to have a code sent to somebody else (section 4.1.1), or could be.
"""

from urllib.parse import urlsplit, urlunsplit

FOREIGN_ORIGIN = "https://attacker.invalid"
FOREIGN_ADDRESS = f"{FOREIGN_ORIGIN}/callback"


def near_addresses(own: str) -> dict[str, str]:
    """Return addresses near the registered one `own`, by what was done to it.

    `own` is an https address with a path and without query and port.
    """
    parts = urlsplit(own)
    host, path = parts.netloc, parts.path
    directory, _, leaf = path.rpartition("/")

    def with_host(changed: str) -> str:
        return urlunsplit(parts._replace(netloc=changed))

    def with_path(changed: str) -> str:
        return urlunsplit(parts._replace(path=changed))

    return {
        "foreign": FOREIGN_ADDRESS,
        "longer_path": f"{own}/more",
        "shorter_path": own[:-1],
        "directory": with_path(f"{directory}/"),
        "trailing_slash": f"{own}/",
        "doubled_slash": with_path(f"/{path}"),
        "path_traversal": f"{own}/../../elsewhere",
        "encoded_traversal": f"{own}/%2e%2e/elsewhere",
        "encoded_letter": with_path(f"{directory}/%{ord(leaf[0]):02x}{leaf[1:]}"),
        "other_case": with_path(path.upper()),
        "other_query": f"{own}?more=1",
        "fragment": f"{own}#code",
        "other_port": with_host(f"{host}:8443"),
        "other_scheme": urlunsplit(parts._replace(scheme="http")),
        "subdomain": with_host(f"sub.{host}"),
        "longer_host": with_host(f"{host}.attacker.invalid"),
        "host_as_user": with_host(f"{host}@attacker.invalid"),
        "user": with_host(f"attacker@{host}"),
        "backslash": f"https://attacker.invalid\\@{host}{path}",
        "whitespace": f"{own} ",
        "line_break": f"{own}\r\nlocation: {FOREIGN_ADDRESS}",
        "own_in_query": f"{FOREIGN_ADDRESS}?{own}",
    }

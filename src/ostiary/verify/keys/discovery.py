"""Where an issuer publishes its keys, as its metadata says (OIDC Discovery 1.0, RFC 8414)."""

from urllib.parse import urlsplit, urlunsplit

from ostiary.verify.json_objects import NotJsonError, read_object
from ostiary.verify.keys.fetching import FetchFailedError

_OPENID = "/.well-known/openid-configuration"
_OAUTH = "/.well-known/oauth-authorization-server"


def metadata_urls(issuer: str) -> tuple[str, str]:
    """Return where the metadata of an issuer may be: OpenID Connect's place, then RFC 8414's.

    The former goes after the issuer's path, the latter before it (RFC 8414, section 3.1).
    """
    parts = urlsplit(issuer)
    path = parts.path.rstrip("/")
    return (
        urlunsplit((parts.scheme, parts.netloc, path + _OPENID, "", "")),
        urlunsplit((parts.scheme, parts.netloc, _OAUTH + path, "", "")),
    )


def read_jwks_uri(content: bytes, issuer: str) -> str:
    """Return the address of the key set. Raises `FetchFailedError`.

    Metadata of another issuer is of no use (RFC 8414, section 3.3), and where the issuer is reached
    over TLS its keys have to be as well.
    """
    try:
        metadata = read_object(content)
    except NotJsonError as error:
        raise FetchFailedError(f"the metadata is {error}") from None
    if metadata.get("issuer") != issuer:
        raise FetchFailedError(f"the metadata is not of {issuer}, but of another issuer")
    address = metadata.get("jwks_uri")
    if not isinstance(address, str):
        raise FetchFailedError("the metadata has no jwks_uri")
    problem = problem_of_address(address, http=urlsplit(issuer).scheme == "http")
    if problem is not None:
        raise FetchFailedError(f"the metadata's jwks_uri {problem}")
    return address


def problem_of_address(address: str, *, http: bool) -> str | None:
    """Return why an address cannot be one to fetch from, or None; `http` allows it without TLS."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return "is not an address"
    if parts.scheme not in (("https", "http") if http else ("https",)):
        return "is not https" if not http else "is neither https nor http"
    if not parts.hostname or not address.isascii() or any(c <= " " for c in address):
        return "is not an absolute address"
    if parts.username is not None or parts.password is not None:
        return "holds a user name or a password"
    return "has a fragment" if parts.fragment else None

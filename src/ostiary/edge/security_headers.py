"""What every answer tells browsers to refuse, whoever wrote it: a replica or Envoy itself."""

from ostiary.edge.request_hygiene import INSIDE_PREFIXES
from ostiary.edge.xds import JsonObject

HEADER_FILTER = "ostiary.security_headers"
"""Name of the filter, by which routes of other services do without it. No other filter has it:
with the name of its kind, a route would also turn off those that clean requests and answers."""

_FILTER = "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation"
_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_NOT_NEEDED = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "screen-wake-lock",
    "usb",
    "xr-spatial-tracking",
)
_REPLACED = "OVERWRITE_IF_EXISTS_OR_ADD"
_DEFAULT = "ADD_IF_ABSENT"


def security_headers(*, https: bool, hsts_s: int, popups: bool) -> dict[str, tuple[str, str]]:
    """Return each header with its value and what Envoy does where the answer has it already.

    Pages bring a policy of their own, because only they know what they show; all else may load
    nothing.
    """
    headers = {
        "x-content-type-options": ("nosniff", _REPLACED),
        "content-security-policy": (_POLICY, _DEFAULT),
        "referrer-policy": ("same-origin", _DEFAULT),
        "permissions-policy": (", ".join(f"{name}=()" for name in _NOT_NEEDED), _REPLACED),
        # A window that stays tied to its opener lets the opener watch and steer the sign-in.
        "cross-origin-opener-policy": ("unsafe-none" if popups else "same-origin", _REPLACED),
    }
    if https and hsts_s:
        # Without `includeSubDomains`: other hosts below this name are not ours to decide on.
        headers["strict-transport-security"] = (f"max-age={hsts_s}", _REPLACED)
    return headers


def header_filter(headers: dict[str, tuple[str, str]]) -> JsonObject:
    """Return the HTTP filter that takes inside headers off every answer and adds these.

    It stands first among the filters, and so sees answers last.
    """
    mutations: list[JsonObject] = [
        {"remove_on_match": {"key_matcher": {"prefix": prefix}}} for prefix in INSIDE_PREFIXES
    ]
    mutations += [
        {"append": {"header": {"key": key, "value": value}, "append_action": action}}
        for key, (value, action) in headers.items()
    ]
    return {
        "name": HEADER_FILTER,
        "typed_config": {"@type": _FILTER, "mutations": {"response_mutations": mutations}},
    }


def header_options(headers: dict[str, tuple[str, str]]) -> list[JsonObject]:
    """Return the same headers for an answer of Envoy that no filter sees."""
    return [
        {"header": {"key": key, "value": value}, "append_action": action}
        for key, (value, action) in headers.items()
    ]

"""Which of Envoy's own answers are meant: by status, by path, and by what the client asked for."""

import re
from collections.abc import Sequence

from ostiary.edge.xds import JsonObject

_API_PATHS = r"/(oauth2/(token|userinfo|introspect|jwks)|\.well-known/).*"


def is_below(prefixes: Sequence[str]) -> JsonObject:
    """Return what holds for requests to these paths, also where their prefix was taken off."""
    # One expression for all of them would be larger than Envoy takes.
    headers = [
        {"name": name, "string_match": {"safe_regex": {"regex": rf"{re.escape(prefix)}([/?].*)?"}}}
        for prefix in prefixes
        for name in (":path", "x-envoy-original-path")
    ]
    return {"or_filter": {"filters": [{"header_filter": {"header": each}} for each in headers]}}


def asks_for_json() -> JsonObject:
    """Return what holds for requests of programs, and of whom wants JSON rather than a page."""
    api_path = {"name": ":path", "string_match": {"safe_regex": {"regex": _API_PATHS}}}
    json_wanted = {"name": "accept", "string_match": {"contains": "application/json"}}
    page_refused = {
        "name": "accept",
        "string_match": {"contains": "text/html"},
        "invert_match": True,
        "treat_missing_header_as_empty": True,
    }
    either = [
        {"header_filter": {"header": api_path}},
        all_of(
            {"header_filter": {"header": json_wanted}},
            {"header_filter": {"header": page_refused}},
        ),
    ]
    return {"or_filter": {"filters": either}}


def all_of(*conditions: JsonObject) -> JsonObject:
    """Return what holds where all of these hold."""
    return {"and_filter": {"filters": list(conditions)}}


def any_status() -> JsonObject:
    """Return what holds for every answer."""
    value = {"default_value": 100, "runtime_key": "unused"}
    return {"status_code_filter": {"comparison": {"op": "GE", "value": value}}}


def status_is(status: int) -> JsonObject:
    """Return what holds for answers with this status."""
    value = {"default_value": status, "runtime_key": "unused"}
    return {"status_code_filter": {"comparison": {"op": "EQ", "value": value}}}

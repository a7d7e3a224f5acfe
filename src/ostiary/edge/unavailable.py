"""What the edge says itself when no replica answers, or when a request is too large."""

import html
import json
from collections.abc import Sequence

from ostiary.edge.reply_filters import (
    all_of,
    any_status,
    asks_for_json,
    is_below,
    status_is,
)
from ostiary.edge.security_headers import header_options
from ostiary.edge.xds import JsonObject

_RETRY_AFTER_S = 5
_TITLE = "Sign-in is unavailable right now"
_MESSAGE = (
    "We cannot answer at the moment. Nothing is lost: your account, your password and your data "
    "are as they were."
)
_HINT = "Please try again in a few seconds."

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --back: #f6f5f2; --card: #fff; --ink: #1d1f24;
  --soft: #565b66; --line: #dedbd3; --link: #1c5fb8; }}
@media (prefers-color-scheme: dark) {{ :root {{ --back: #15171b; --card: #1e2127; --ink: #eceef2;
  --soft: #a9afbb; --line: #343943; --link: #8ab8f5; }} }}
* {{ box-sizing: border-box; }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.25rem;
  background: var(--back); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }}
main {{ width: 100%; max-width: 28rem; padding: 1.75rem; background: var(--card);
  border: 1px solid var(--line); border-radius: .75rem; }}
h1 {{ margin: 0 0 .75rem; font-size: 1.35rem; line-height: 1.3; }}
p {{ margin: 0 0 .75rem; }}
p:last-child {{ margin-bottom: 0; }}
a {{ color: var(--link); }}
.soft {{ color: var(--soft); font-size: .875rem; overflow-wrap: anywhere; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{message}</p>
<p>{hint}</p>
{status}<p class="soft">Reference: <code>@REFERENCE@</code></p>
</main>
</body>
</html>
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"


def local_replies(
    status_url: str, headers: dict[str, tuple[str, str]], *, services: Sequence[str] = ()
) -> JsonObject:
    """Return the connection manager's `local_reply_config`.

    It changes only what Envoy answers itself: no replica left, no connection, a time-out, a body
    over the limit. Programs get JSON, people a page, and who asks for a path below one of
    `services` JSON about that service. `headers` come with each of these answers, since some of
    them, such as that to a malformed request, pass no filter.
    """
    options = header_options(headers)
    no_answer = {
        "status_code_filter": {
            "comparison": {"op": "GE", "value": {"default_value": 500, "runtime_key": "unused"}}
        }
    }
    of_service = (
        [_mapper(all_of(no_answer, is_below(services)), _service_answer(), options)]
        if services
        else []
    )
    return {
        "mappers": [
            *of_service,
            _mapper(all_of(no_answer, asks_for_json()), _json_answer(status_url), options),
            _mapper(no_answer, _page(status_url), options),
            _mapper(status_is(413), _too_large(), options),
            {"filter": any_status(), "headers_to_add": options},
        ]
    }


def _mapper(
    condition: JsonObject, body_format: JsonObject, options: list[JsonObject]
) -> JsonObject:
    headers = {
        "cache-control": "no-store",
        "retry-after": str(_RETRY_AFTER_S),
        "content-security-policy": _POLICY,
    }
    return {
        "filter": condition,
        "body_format_override": body_format,
        "headers_to_add": [
            {
                "header": {"key": key, "value": value},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
            for key, value in headers.items()
        ]
        + [option for option in options if option["header"]["key"] not in headers],
    }


def _page(status_url: str) -> JsonObject:
    status = ""
    if status_url:
        address = html.escape(status_url, quote=True)
        status = f'<p>What we know so far: <a href="{address}">status page</a>.</p>\n'
    page = _PAGE.format(title=_TITLE, message=_MESSAGE, hint=_HINT, status=status)
    text = _literal(page).replace("@REFERENCE@", "%REQ(X-REQUEST-ID)%")
    return {
        "text_format_source": {"inline_string": text},
        "content_type": "text/html; charset=utf-8",
    }


def _json_answer(status_url: str) -> JsonObject:
    # `error_description` beside `message`, because OAuth clients show it (RFC 6749, section 5.2).
    answer = {
        "error": "temporarily_unavailable",
        "error_description": _MESSAGE,
        "message": _MESSAGE,
        "hint": _HINT,
    }
    if status_url:
        answer["status_url"] = status_url
    return _json_format(answer)


def _service_answer() -> JsonObject:
    return _json_format(
        {
            "error": "temporarily_unavailable",
            "message": "The service cannot answer at the moment.",
            "hint": _HINT,
        }
    )


def _too_large() -> JsonObject:
    return _json_format(
        {
            "error": "too_large",
            "message": "The request is larger than the 64 KiB that are accepted here.",
            "hint": "Send less.",
        }
    )


def _json_format(answer: dict[str, str]) -> JsonObject:
    return {
        "text_format_source": {"inline_string": _literal(json.dumps(answer) + "\n")},
        "content_type": "application/json",
    }


def _literal(text: str) -> str:
    """Return text that Envoy's substitution format leaves as it is."""
    return text.replace("%", "%%")

"""Turning a page into a response: templates, style, security headers."""

import base64
import hashlib
from functools import cache
from importlib import resources

import falcon
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

_PACKAGE = "ostiary.identity.pages"
_NAMES = ("sign_in", "sign_up", "sign_out", "demo", "nobody", "problem")


class Renderer:
    """Renders the pages. Thread-safe."""

    def __init__(self) -> None:
        """Compile all templates, so that a broken one stops the start and not a sign-in."""
        style = (resources.files(_PACKAGE) / "ostiary.css").read_text("utf-8")
        environment = Environment(
            loader=PackageLoader(_PACKAGE),
            autoescape=True,
            undefined=StrictUndefined,
            auto_reload=False,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals["style"] = Markup(style)  # noqa: S704 - our own file
        self._templates: dict[str, Template] = {
            name: environment.get_template(f"{name}.html") for name in _NAMES
        }
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self._policy = (
            f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; "
            "base-uri 'none'; frame-ancestors 'none'; form-action "
        )

    def write(
        self,
        response: falcon.Response,
        name: str,
        values: dict[str, object],
        *,
        status: int = 200,
        form_action: str = "'self'",
    ) -> None:
        """Write a page with its headers. `form_action` is where its forms may lead."""
        response.status = falcon.code_to_http_status(status)
        response.content_type = "text/html; charset=utf-8"
        response.text = self._templates[name].render(values)
        response.set_headers(
            {
                "cache-control": "no-store",
                "content-security-policy": self._policy + form_action,
                # `no-referrer` would make browsers send `Origin: null` with our own forms.
                "referrer-policy": "same-origin",
                "x-frame-options": "DENY",
            }
        )


@cache
def renderer() -> Renderer:
    """Return the process's renderer."""
    return Renderer()

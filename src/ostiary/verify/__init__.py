"""What an API embeds to check access tokens: of Ostiary, or of any issuer that follows RFC 9068.

It owns the keys of an issuer (fetched, kept, refreshed), the checks of a token, and the answers to
requests that are refused: 401, 403 or 503, never 500. It does not sign anybody in and asks the
issuer about no single token: that is `identity`. It knows nothing of the rest of Ostiary, and
imports the standard library, cryptography, joserfc and httpx only; what binds it to a framework is
in a module of its own, named like the framework.
"""

from ostiary.verify.asgi import VerifyASGI
from ostiary.verify.configuration import Options
from ostiary.verify.errors import (
    ConfigurationError,
    KeysUnavailableError,
    Reason,
    TokenRefusedError,
    VerifyError,
)
from ostiary.verify.principal import Principal
from ostiary.verify.verifier import Verifier
from ostiary.verify.wsgi import VerifyWSGI

__all__ = [
    "ConfigurationError",
    "KeysUnavailableError",
    "Options",
    "Principal",
    "Reason",
    "TokenRefusedError",
    "Verifier",
    "VerifyASGI",
    "VerifyError",
    "VerifyWSGI",
]

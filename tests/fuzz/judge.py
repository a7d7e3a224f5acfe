"""A second opinion on tokens: what PyJWT and a few lines here say must not be accepted.

It shares no code with `ostiary.verify`. It judges only what was let in; it may be more lenient.
"""

import json
from base64 import urlsafe_b64decode
from typing import Any

import jwt

from ostiary.verify import Principal
from tests.unit.verify.issuer import AUDIENCE, ISSUER, NOW

LEEWAY = 5
NEEDED = ["iss", "aud", "sub", "exp", "iat", "jti", "client_id"]


def judge_accepted(token: str, key: Any, algorithm: str, principal: Principal) -> None:
    """Fail where a token was let in that must not be, or as somebody else."""
    claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=AUDIENCE,
        issuer=ISSUER,
        options={
            "require": NEEDED,
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
        },
    )
    header = json.loads(urlsafe_b64decode(token.partition(".")[0] + "=="))
    assert header["alg"] == algorithm
    assert header["typ"].lower() in {"at+jwt", "application/at+jwt"}
    assert "crit" not in header
    assert claims["exp"] + LEEWAY > NOW
    assert max(claims["iat"], claims.get("nbf", 0)) <= NOW + LEEWAY
    assert principal.subject == claims["sub"]
    assert principal.client_id == claims["client_id"]
    assert principal.scopes == set(claims.get("scope", "").split())
    assert principal.roles == set(claims.get("roles", []))
    json.dumps([principal.subject, principal.client_id]).encode()

"""Releases that are broken for somebody: each is a real one with one plausible mistake.

Every mistake is an edit of identity's source, tied to the text that it replaces. What such a
release does to users is told in a sentence; which journey or evidence must see it, in words that
the reason for its end has to hold.
"""

from dataclasses import dataclass

from tests.guarded.releases import ACCEPTS_ANY_PASSWORD, Fault

_GRANTS = "ostiary/identity/oauth/token"
_MINTING = "ostiary/identity/oauth/minting.py"
_HASH_PROCESS = "ostiary/identity/passwords/hash_process.py"
_HASHING = "ostiary/identity/passwords/hashing.py"
_SIGNING_IN = "ostiary/identity/sessions/signing_in.py"
_VERIFICATION = "ostiary/identity/keys/verification.py"

THE_CLIENT = "drill-app"
"""The application of the simulated users."""

FAILS_AFTER_SECONDS = 4.0
"""How long the release that fails later works for users, of whom rehearsal has none.

It stands for ten minutes, which lie within a bake of the default length. Counted from the start of
the process it would be a matter of the machine whether rehearsal is over by then.
"""


@dataclass(frozen=True, slots=True)
class Broken:
    """One release: what it does, its mistake, and in which words a refusal has to tell of it."""

    name: str
    fault: Fault
    words: str


ONE_GRANT = Broken(
    "client credentials only: an application that acts for itself gets no token",
    Fault(
        f"{_GRANTS}/client_credentials_grant.py",
        "return self.services.minter.mint_token_response(self.record, self.request.scope, None)",
        "return self.services.minter.mint_service_token(self.record, self.request.scope)",
    ),
    "client_credentials",
)
SECOND_REFRESH = Broken(
    "the second refresh: whoever stays signed in for two token lives is thrown out",
    Fault(
        f"{_GRANTS}/refresh_grant.py",
        "        if token.expires_at <= self.services.now():\n",
        "        if token.expires_at <= self.services.now() or token.parent_hash is not None:\n",
    ),
    "second_refresh",
)
OLD_HASHES = Broken(
    "old hashes: who last set a password under earlier parameters cannot sign in",
    Fault(
        _HASH_PROCESS,
        "        _VERIFIER.verify(text, password)\n",
        '        if b",t=2," not in text:\n'
        "            return MISMATCH\n"
        "        _VERIFIER.verify(text, password)\n",
    ),
    "retained_hash",
)
NOT_ASCII = Broken(
    "names and passwords that are not ASCII",
    Fault(
        _HASHING,
        '    return unicodedata.normalize("NFKC", password).encode()\n',
        '    return unicodedata.normalize("NFKC", password).encode("ascii")\n',
    ),
    "non_ascii_user",
)
UNDER_CONCURRENCY = Broken(
    "two tokens at once: one user's goes out for another",
    Fault(
        _MINTING,
        "        now = to_unix(self._clock.now())\n        lifetime =",
        "        self._grant = grant\n"
        '        __import__("time").sleep(0.02)\n'
        "        grant = self._grant\n"
        "        now = to_unix(self._clock.now())\n        lifetime =",
    ),
    "",
)
WRONG_USER = Broken(
    "tokens are minted for whoever came first",
    Fault(
        _MINTING,
        '                "sub": grant.account.id,\n',
        '                "sub": self.__dict__.setdefault("_account", grant.account).id,\n',
    ),
    "subject",
)
NEVER_EXPIRES = Broken(
    "tokens are accepted for ever",
    Fault(
        _VERIFICATION,
        "        if expires + self._leeway_seconds <= now and not accept_expired:\n",
        "        if expires + self._leeway_seconds <= now < 0 and not accept_expired:\n",
    ),
    "expired_token",
)
ANY_PASSWORD = Broken("any password is right", ACCEPTS_ANY_PASSWORD, "wrong_password")
ONE_CLIENT = Broken(
    "one application alone: its secret is not accepted",
    Fault(
        "ostiary/identity/oauth/token/endpoint.py",
        "            _require_grant_type(form)\n",
        "            _require_grant_type(form)\n"
        '            if "ZHJpbGwtYXBw" in (request.get_header("authorization") or ""):\n'
        '                raise ProblemError(401, Outcome.INVALID_CLIENT, "Unknown client.")\n',
    ),
    "token",
)
ONE_METHOD = Broken(
    "signing in on a browser that is known already",
    Fault(
        _SIGNING_IN,
        "        device = credentials.device\n        known =",
        "        device = credentials.device.renewed() if credentials.device else None\n"
        "        known =",
    ),
    "sign_in_known_browser",
)
AFTER_A_WHILE = Broken(
    "everything works for a while, then no token can be had",
    Fault(
        "ostiary/identity/oauth/token/endpoint.py",
        "            _require_grant_type(form)\n",
        "            _require_grant_type(form)\n"
        '            if "ZHJpbGwtYXBw" in (request.get_header("authorization") or ""):\n'
        '                _FIRST.setdefault("user", request.context.started)\n'
        '            first = _FIRST.get("user", request.context.started)\n'
        f"            if request.context.started > first + {FAILS_AFTER_SECONDS}:\n"
        '                raise RuntimeError("the cache of clients is full")\n',
    ),
    "token",
)
FIRST_USER = Fault(
    "ostiary/identity/oauth/token/endpoint.py",
    "\n\nclass TokenEndpoint:",
    "\n\n_FIRST: dict[str, float] = {}\n\n\nclass TokenEndpoint:",
)
"""When the first user came, from which `AFTER_A_WHILE` counts."""

"""What a setting means to people when it changes: how much is at risk, and who notices.

A reviewer who does not know the key decides by this. `low`: nobody can be locked out by it.
`medium`: some could be, or load moves. `high`: all tokens, sign-ins or addresses depend on it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class Risk(StrEnum):
    """How bad the worst plausible outcome of a change is, in rising order."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Return its place in the order, 0 for the lowest."""
        return list(Risk).index(self)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The risk of changing a setting, and whom it touches."""

    risk: Risk
    touches: str


_SESSIONS = "everybody who is signed in"
_SIGN_INS = "everybody who signs in"
_APPS = "every application that checks tokens"
_HASHES = "everybody who signs in, and the load of the replicas"
_LOAD = "the load of every replica"
_MAIL = "people who get mail from the login service"
_BROWSERS = "everybody who comes by browser"
_SERVICE = "everybody who uses the service"

_EXPLANATIONS: Mapping[str, Explanation] = MappingProxyType(
    {
        "identity.audience": Explanation(Risk.HIGH, _APPS),
        "identity.previous_audiences": Explanation(Risk.MEDIUM, _APPS),
        "identity.signing_algorithm": Explanation(Risk.HIGH, _APPS),
        "identity.access_token_seconds": Explanation(Risk.MEDIUM, _APPS),
        "identity.id_token_seconds": Explanation(Risk.MEDIUM, "applications, while people sign in"),
        "identity.code_seconds": Explanation(Risk.MEDIUM, "applications, while people sign in"),
        "identity.refresh_token_seconds": Explanation(Risk.MEDIUM, "people who stay signed in"),
        "identity.session_seconds": Explanation(Risk.MEDIUM, _SESSIONS),
        "identity.session_grace_seconds": Explanation(
            Risk.LOW, "people who are signed in while the database is away"
        ),
        "identity.leeway_seconds": Explanation(Risk.MEDIUM, _APPS),
        "identity.jwks_max_age_seconds": Explanation(Risk.MEDIUM, _APPS),
        "identity.key_rotation_days": Explanation(Risk.LOW, _APPS),
        "identity.sign_up": Explanation(Risk.LOW, "visitors who want an account"),
        "identity.mail_from": Explanation(Risk.LOW, _MAIL),
        "identity.mail_smtp_url": Explanation(Risk.MEDIUM, _MAIL),
        "identity.mail_smtp_password_file": Explanation(Risk.MEDIUM, _MAIL),
        "identity.audit_days": Explanation(Risk.LOW, "who reads the audit log"),
        "identity.hash_memory_kib": Explanation(Risk.HIGH, _HASHES),
        "identity.hash_time_cost": Explanation(Risk.HIGH, _HASHES),
        "identity.hash_parallelism": Explanation(Risk.HIGH, _HASHES),
        "identity.hash_concurrency": Explanation(Risk.MEDIUM, _SIGN_INS),
        "identity.hash_queue": Explanation(Risk.MEDIUM, _SIGN_INS),
        "identity.threads": Explanation(Risk.MEDIUM, _LOAD),
        "identity.database_connections": Explanation(Risk.MEDIUM, "the database"),
        "identity.replicas": Explanation(Risk.MEDIUM, _LOAD),
        "identity.memory_max_mib": Explanation(Risk.LOW, _LOAD),
        "edge.public_url": Explanation(Risk.HIGH, "everybody: it is the address and the issuer"),
        "edge.listen": Explanation(Risk.HIGH, _BROWSERS),
        "edge.certificate": Explanation(Risk.HIGH, _BROWSERS),
        "edge.key": Explanation(Risk.HIGH, _BROWSERS),
        "edge.trust_proxy": Explanation(Risk.MEDIUM, "everybody whose guesses are throttled"),
        "edge.popup_sign_in": Explanation(Risk.MEDIUM, "applications that sign in by a pop-up"),
        "edge.hsts_seconds": Explanation(Risk.MEDIUM, _BROWSERS),
        "edge.connections_max": Explanation(Risk.MEDIUM, _BROWSERS),
        "edge.envoys": Explanation(Risk.MEDIUM, _LOAD),
        "edge.per_try_timeout_seconds": Explanation(Risk.MEDIUM, _SIGN_INS),
        "edge.balancer": Explanation(Risk.HIGH, _LOAD),
        "edge.hash_on": Explanation(Risk.MEDIUM, _LOAD),
        "edge.weights": Explanation(Risk.HIGH, _LOAD),
        "edge.capacity": Explanation(Risk.LOW, "what the load check believes"),
        "edge.peak": Explanation(Risk.LOW, "what the load check believes"),
        "edge.key_skew": Explanation(Risk.LOW, "what the load check believes"),
        "edge.hash_keys": Explanation(Risk.LOW, "what the load check believes"),
        "services.runtime": Explanation(Risk.HIGH, _SERVICE),
        "services.group": Explanation(Risk.HIGH, "which members answer everybody's requests"),
        "services.groups": Explanation(Risk.HIGH, "which members answer everybody's requests"),
        "services.oidc": Explanation(Risk.MEDIUM, "what a group of the provider must do"),
        "services.command": Explanation(Risk.HIGH, _SERVICE),
        "services.routes": Explanation(Risk.HIGH, _SERVICE),
        "services.strip_prefix": Explanation(Risk.HIGH, _SERVICE),
        "services.replicas": Explanation(Risk.MEDIUM, _LOAD),
        "services.health": Explanation(Risk.MEDIUM, _SERVICE),
        "services.health_port": Explanation(Risk.MEDIUM, _SERVICE),
        "services.environment": Explanation(Risk.MEDIUM, _SERVICE),
        "services.pass_environment": Explanation(Risk.MEDIUM, _SERVICE),
        "services.ask_again": Explanation(Risk.HIGH, "whose requests may be done twice"),
        "services.weights": Explanation(Risk.MEDIUM, _LOAD),
        "services.capacity": Explanation(Risk.MEDIUM, _SERVICE),
        "services.timeout_seconds": Explanation(Risk.MEDIUM, _SERVICE),
        "services.start_seconds_max": Explanation(Risk.LOW, "how soon a start counts as failed"),
        "services.journeys": Explanation(Risk.MEDIUM, "what a release of the service must do"),
        "services.memory_max_mib": Explanation(Risk.LOW, _LOAD),
        "edge.status_url": Explanation(Risk.LOW, "who comes while nobody answers"),
    }
)

_FLAGS = Explanation(Risk.MEDIUM, "whom the flag chooses")
_UNKNOWN = Explanation(Risk.HIGH, "not known; read what the key means")


def explain(key: str) -> Explanation:
    """Return what a changed key means; one that nobody has explained counts as high risk."""
    if key.startswith("flags."):
        return _FLAGS
    return _EXPLANATIONS.get(without_service(key), _UNKNOWN)


def without_service(key: str) -> str:
    """Return a key as all services have it: `services.replicas` for `services.orders.replicas`."""
    table, _, rest = key.partition(".")
    return f"{table}.{rest.rpartition('.')[2]}" if table == "services" else key

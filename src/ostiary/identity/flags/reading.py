"""How the service reads its flags.

Reading never fails and asks nobody: what goes wrong gives the caller's default, is counted, and is
logged once. The way is OpenFeature's own, so that a release may as well use the SDK directly.
"""

from collections.abc import Iterator, Mapping
from itertools import count

from openfeature import api
from openfeature.exception import ErrorCode, OpenFeatureError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from prometheus_client.registry import Collector

from ostiary.identity.flags.counting import FlagCounts
from ostiary.identity.flags.definition import FlagDefinition, FlagValue
from ostiary.identity.flags.evaluation import NOBODY, Buckets, Subject
from ostiary.identity.flags.provider import SettingsProvider, context_of

SECRET_NAME = "flags"  # noqa: S105 - the name of a secret, not the secret
"""Name of the shared secret in the store by which users are drawn for percentages."""

_DOMAINS = count(1)


class Flags:
    """The flags of one replica. Thread-safe."""

    def __init__(self, flags: Mapping[str, FlagDefinition], secret: bytes) -> None:
        """`secret` decides who is drawn for percentages; all replicas share it."""
        self._flags = dict(flags)
        self._counts = FlagCounts()
        self._provider = SettingsProvider(self._flags, Buckets(secret), [self._counts])
        # A domain of its own, because a process may hold several services, as tests do.
        domain = f"ostiary-identity-{next(_DOMAINS)}"
        api.set_provider_and_wait(self._provider, domain)
        self._client = api.get_client(domain)

    def offer_to_everybody(self) -> None:
        """Make these the flags of OpenFeature's clients that name no domain."""
        api.set_provider_and_wait(self._provider)

    @property
    def collectors(self) -> tuple[Collector, ...]:
        """Return what a replica's metrics tell of flags."""
        return self._counts.collectors

    def is_on(self, name: str, *, default: bool, who: Subject = NOBODY) -> bool:
        """Return a flag that is true or false; `default` where it is not set."""
        if name not in self._flags:
            # Code comes before its flag, and goes after it: that is no error.
            return default
        return self._client.get_boolean_value(name, default, context_of(who))

    def text(self, name: str, *, default: str, who: Subject = NOBODY) -> str:
        """Return a flag that is text; `default` where it is not set."""
        if name not in self._flags:
            return default
        return self._client.get_string_value(name, default, context_of(who))

    def whole_number(self, name: str, *, default: int, who: Subject = NOBODY) -> int:
        """Return a flag that is a whole number; `default` where it is not set."""
        if name not in self._flags:
            return default
        return self._client.get_integer_value(name, default, context_of(who))

    def number(self, name: str, *, default: float, who: Subject = NOBODY) -> float:
        """Return a flag that is a number with a decimal point; `default` where it is not set."""
        if name not in self._flags:
            return default
        return self._client.get_float_value(name, default, context_of(who))

    def is_public(self, name: str) -> bool:
        """Return whether there is such a flag and applications may ask for it."""
        flag = self._flags.get(name)
        return flag is not None and flag.public

    def public_names(self) -> Iterator[str]:
        """Yield the flags that applications may ask for, sorted."""
        return (name for name in sorted(self._flags) if self._flags[name].public)

    def resolve(self, name: str, who: Subject) -> FlagResolutionDetails[FlagValue]:
        """Return a flag of whatever type with its details, `error_code` among them. Never raises.

        OpenFeature's own clients have to know a flag's type before they ask; its remote protocol
        does not tell it.
        """
        flag = self._flags.get(name)
        try:
            return self._provider.resolve(name, who)
        except OpenFeatureError as error:
            code, message = error.error_code, error.error_message or ""
        except Exception as error:  # noqa: BLE001 - a flag must never fail a request
            code, message = ErrorCode.GENERAL, str(error)
        self._counts.failed(name, code, message)
        return FlagResolutionDetails(
            "" if flag is None else flag.default,
            error_code=code,
            error_message=message,
            reason=Reason.ERROR,
        )

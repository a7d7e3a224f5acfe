"""The OpenFeature provider: flags come from the settings that this replica was started with.

It asks nobody and never changes, since a replica's settings do not either. What it raises are the
errors of the specification; the SDK answers them with the caller's own default.
"""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import FlagNotFoundError, InvalidContextError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType
from openfeature.hook import Hook
from openfeature.provider import AbstractProvider, Metadata

from ostiary.identity.flags.definition import FlagDefinition, FlagValue
from ostiary.identity.flags.evaluation import NOBODY, Buckets, Subject, evaluate

ROLES = "roles"
CLIENT_ID = "client_id"

_Structure = Sequence[FlagValueType] | Mapping[str, FlagValueType]
_Wanted = TypeVar("_Wanted", bool, int, float, str)


class SettingsProvider(AbstractProvider):
    """Resolves the flags of one snapshot. Thread-safe: it only reads."""

    def __init__(
        self, flags: Mapping[str, FlagDefinition], buckets: Buckets, hooks: Sequence[Hook] = ()
    ) -> None:
        super().__init__()
        self._flags = flags
        self._buckets = buckets
        self._hooks = list(hooks)

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata(name="ostiary-settings")

    def get_provider_hooks(self) -> list[Hook]:
        """Return what looks at every evaluation."""
        return self._hooks

    def resolve(self, name: str, subject: Subject) -> FlagResolutionDetails[FlagValue]:
        """Return a flag's value, of whatever type it is, for a subject.

        Raises `FlagNotFoundError` and `TargetingKeyMissingError`.
        """
        flag = self._flags.get(name)
        if flag is None:
            raise FlagNotFoundError(f"There is no flag {name[:100]}.")
        return evaluate(name, flag, subject, self._buckets)

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,  # noqa: ARG002 - the SDK puts it in after an error
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """Resolve a flag that is true or false."""
        return self._resolve(flag_key, bool, evaluation_context)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,  # noqa: ARG002 - as above
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """Resolve a flag that is text."""
        return self._resolve(flag_key, str, evaluation_context)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,  # noqa: ARG002 - as above
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """Resolve a flag that is a whole number."""
        return self._resolve(flag_key, int, evaluation_context)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,  # noqa: ARG002 - as above
        evaluation_context: EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """Resolve a flag that is a number with a decimal point."""
        return self._resolve(flag_key, float, evaluation_context)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: _Structure,  # noqa: ARG002 - as above
        evaluation_context: EvaluationContext | None = None,  # noqa: ARG002 - as above
    ) -> FlagResolutionDetails[_Structure]:
        """Raise `TypeMismatchError`: no flag here is an object."""
        raise TypeMismatchError(f"The flag {flag_key[:100]} is no object; none is.")

    def _resolve(
        self, name: str, wanted: type[_Wanted], context: EvaluationContext | None
    ) -> FlagResolutionDetails[_Wanted]:
        found = self.resolve(name, subject_of(context))
        # By the very type: to Python, true is a whole number as well.
        if type(found.value) is not wanted:
            raise TypeMismatchError(
                f"The flag {name} is of type {type(found.value).__name__}, not {wanted.__name__}."
            )
        return FlagResolutionDetails(found.value, reason=found.reason, variant=found.variant)


def context_of(subject: Subject) -> EvaluationContext:
    """Return a subject as the specification's evaluation context."""
    attributes: dict[str, str | list[str]] = {ROLES: list(subject.roles)}
    if subject.client_id is not None:
        attributes[CLIENT_ID] = subject.client_id
    return EvaluationContext(subject.key, attributes)


def subject_of(context: EvaluationContext | None) -> Subject:
    """Return the subject of an evaluation context. Raises `InvalidContextError`."""
    if context is None:
        return NOBODY
    roles = context.attributes.get(ROLES, ())
    client_id = context.attributes.get(CLIENT_ID)
    if isinstance(roles, str) or not isinstance(roles, Sequence | frozenset | set):
        raise InvalidContextError("The attribute roles is no list.")
    if not all(isinstance(role, str) for role in roles):
        raise InvalidContextError("The attribute roles holds something else than text.")
    if client_id is not None and not isinstance(client_id, str):
        raise InvalidContextError("The attribute client_id is no text.")
    return Subject(context.targeting_key, frozenset(map(str, roles)), client_id)

"""Events, actions and states as JSON objects, for the journal and the control API."""

from typing import Any, get_args

from pydantic import JsonValue, TypeAdapter

from ostiary.changes.actions import Action
from ostiary.changes.events import Event
from ostiary.changes.model import ChangeResult
from ostiary.changes.state import ChangeState

JsonObject = dict[str, JsonValue]

_EVENTS: dict[str, type] = {kind.__name__: kind for kind in get_args(Event)}
_ACTIONS: dict[str, type] = {kind.__name__: kind for kind in get_args(Action)}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {}


def event_to_json(event: Event) -> JsonObject:
    """Return an event as `{"event": name, …fields}`."""
    return {"event": type(event).__name__, **_dump(event)}


def event_from_json(value: JsonObject) -> Event:
    """Return the event; raises `KeyError` for an unknown name, `ValueError` for bad fields."""
    fields = dict(value)
    event: Event = _load(_EVENTS[str(fields.pop("event"))], fields)
    return event


def action_to_json(action: Action) -> JsonObject:
    """Return an action as `{"action": name, …fields}`."""
    return {"action": type(action).__name__, **_dump(action)}


def action_from_json(value: JsonObject) -> Action:
    """Return the action; raises `KeyError` for an unknown name, `ValueError` for bad fields."""
    fields = dict(value)
    action: Action = _load(_ACTIONS[str(fields.pop("action"))], fields)
    return action


def state_to_json(state: ChangeState) -> JsonObject:
    """Return the whole state of a change."""
    return _dump(state)


def state_from_json(value: JsonObject) -> ChangeState:
    """Return the state; raises `ValueError` for anything else than `state_to_json` gave."""
    state: ChangeState = _load(ChangeState, value)
    return state


def result_to_json(result: ChangeResult) -> JsonObject:
    """Return the record of a change, as the command line prints it."""
    return _dump(result)


def result_from_json(value: JsonObject) -> ChangeResult:
    """Return the record; raises `ValueError` for bad fields."""
    result: ChangeResult = _load(ChangeResult, value)
    return result


def _dump(record: Event | Action | ChangeState | ChangeResult) -> JsonObject:
    """Return a record's fields as JSON values."""
    fields: JsonObject = _adapter(type(record)).dump_python(record, mode="json")
    return fields


def _load(kind: type, value: JsonObject) -> Any:  # noqa: ANN401 - an instance of `kind`
    """Return the record of one kind from its fields."""
    return _adapter(kind).validate_python(value)


def _adapter(kind: type) -> TypeAdapter[Any]:
    """Return the converter of one kind of record, kept because building one takes milliseconds."""
    adapter = _ADAPTERS.get(kind.__name__)
    if adapter is None:
        adapter = _ADAPTERS[kind.__name__] = TypeAdapter(kind)
    return adapter

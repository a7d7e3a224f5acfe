"""Where in a file something stands that pydantic objects to."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import ErrorDetails

from ostiary.kernel.toml_lines import KeyPath

_OF_TAGS = ("union_tag_invalid", "union_tag_not_found")


def paths(error: ErrorDetails, tables: Mapping[str, Any]) -> tuple[KeyPath, KeyPath]:
    """Return the part of an error's location that stands in the file, and the path to its type.

    Pydantic puts the tried member of a union into the location; nobody wrote that word. Where a key
    tells the members apart, it leads to the type of what is further in.
    """
    location: KeyPath = error["loc"]
    more: KeyPath = ()
    if error["type"] == "missing":
        location, more = location[:-1], location[-1:]
    elif error["type"] in _OF_TAGS:
        more = (error["ctx"]["discriminator"].strip("'"),)
    value: Any = tables
    path: KeyPath = ()
    typed: KeyPath = ()
    for number, part in enumerate(location):
        if path and value is error["input"]:
            break
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            if not isinstance(value, Mapping) or number == len(location) - 1:
                break
        else:
            path += (part,)
        typed += (part,)
    return path + more, typed + more

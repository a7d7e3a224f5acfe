"""Files and functions are short enough to be read in one go; each exception has its reason."""

import ast

from tests.tidy import exceptions
from tests.tidy.repository import MIGRATIONS, Function, modules

FILE_LINES_MAX = 200
EXCEPTIONAL_FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 40
POSITIONAL_PARAMETERS_MAX = 5
COMMAND_LINE = "src/ostiary/cli/"
"""There parameters are a command's options: Typer reads them and passes them by name."""


def function_lines(function: Function) -> int:
    """Return the lines of a function from `def` to its end, without its docstring."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function) is not None:
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def positional_parameters(function: Function) -> int:
    """Return how many arguments a caller may pass by position, without self or cls."""
    names = [argument.arg for argument in function.args.posonlyargs + function.args.args]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def long_files() -> dict[str, int]:
    return {
        module.path: module.line_count
        for module in modules()
        if module.line_count > FILE_LINES_MAX and not module.path.startswith(MIGRATIONS)
    }


def long_functions() -> dict[str, int]:
    return {
        name: function_lines(function)
        for module in modules()
        for name, function in module.functions()
        if function_lines(function) > FUNCTION_LINES_MAX and not name.startswith(MIGRATIONS)
    }


def functions_with_many_parameters() -> dict[str, int]:
    return {
        name: positional_parameters(function)
        for module in modules()
        for name, function in module.functions()
        if positional_parameters(function) > POSITIONAL_PARAMETERS_MAX
        and not name.startswith(COMMAND_LINE)
    }


def test_files_are_short() -> None:
    found = long_files()
    assert {name: found[name] for name in found.keys() - exceptions.LONG_FILES.keys()} == {}


def test_no_file_is_very_long() -> None:
    found = long_files()
    assert {n: found[n] for n in found if found[n] > EXCEPTIONAL_FILE_LINES_MAX} == {}


def test_functions_are_short() -> None:
    found = long_functions()
    assert {name: found[name] for name in found.keys() - exceptions.LONG_FUNCTIONS.keys()} == {}


def test_functions_take_few_positional_parameters() -> None:
    found = functions_with_many_parameters()
    assert {name: found[name] for name in found.keys() - exceptions.MANY_PARAMETERS.keys()} == {}


def test_every_exception_is_still_needed() -> None:
    assert exceptions.LONG_FILES.keys() - long_files().keys() == set()
    assert exceptions.LONG_FUNCTIONS.keys() - long_functions().keys() == set()
    assert exceptions.MANY_PARAMETERS.keys() - functions_with_many_parameters().keys() == set()


def test_every_exception_has_a_reason() -> None:
    lists = (exceptions.LONG_FILES, exceptions.LONG_FUNCTIONS, exceptions.MANY_PARAMETERS)
    assert [name for entries in lists for name, reason in entries.items() if not reason] == []

"""What is wrong with a settings file, in a form for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ostiary.kernel.errors import RefusedError
from ostiary.kernel.toml_lines import KeyPath, is_bare_key

_SHOWN_AT_MOST = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in one file.

    `line` counts from 1 and is None where the problem has no line, as with a missing key. `key`
    is the dotted name, None where the file as a whole is meant. `code` is a stable word, `message`
    says what is wrong, `hint` what to write instead.
    """

    file: str
    line: int | None
    key: str | None
    code: str
    message: str
    hint: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the problem as a JSON object."""
        return asdict(self)

    def __str__(self) -> str:
        """Return one line as compilers write it: `ostiary.toml:3: message hint`."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.message} {self.hint}".strip()


class SettingsError(RefusedError):
    """A settings file was refused; `problems` holds everything that was found, in file order."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        """Take at least one problem; people see the first hundred."""
        self.problems = tuple(sorted(problems, key=lambda problem: problem.line or 0))
        lines = [str(problem) for problem in self.problems[:_SHOWN_AT_MOST]]
        unseen = len(self.problems) - len(lines)
        if unseen:
            lines.append(f"… and {unseen} more.")
        super().__init__("settings_refused", "\n".join(lines))


def dotted(path: KeyPath) -> str:
    """Return a key as TOML writes it: `guard.steps[0]`, `flags."new page"`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if is_bare_key(part) else '"' + part.replace('"', '\\"') + '"'
        text += f".{name}" if text else name
    return text

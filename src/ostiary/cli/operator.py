"""`ostiary operator …`: tokens by which operators are known."""

from typing import Annotated

import typer
from rich.console import Console

from ostiary.changes.operator_settings import OPERATOR_NAME, OPERATOR_NAME_WORDS
from ostiary.cli.options import JsonOption
from ostiary.cli.output import Output, Result
from ostiary.guard.operators.tokens import TOKEN_FILE_VARIABLE, digest_of, draw_token
from ostiary.kernel.errors import UsageError
from ostiary.kernel.ids import SystemRandom

app = typer.Typer(help="Operators, who look after the system.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Operators, who look after the system."""


@app.command("token")
def token(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The operator's name.")],
    json: JsonOption = False,
) -> None:
    """Draw a token for an operator, and the line for the settings; nothing is kept."""
    if not OPERATOR_NAME.fullmatch(name):
        raise UsageError(
            "operator_name",
            f"{name!a} is no name for an operator.",
            hint=f"Use {OPERATOR_NAME_WORDS}.",
        )
    drawn = draw_token(SystemRandom())
    value = {"operator": name, "token": drawn, "token_sha256": digest_of(drawn)}
    Output(as_json=json).result(value, _show)


def _show(console: Console, value: Result) -> None:
    lines = (
        f"token  {value['token']}",
        "",
        f"It is shown this once. {value['operator']} keeps it in a file that nobody else can read",
        f"(mode 0600), and names the file in ${TOKEN_FILE_VARIABLE}.",
        "",
        "For the settings, where `role` is viewer, proposer, approver or admin:",
        "",
        f"[guard.operators.{_key(value['operator'])}]",
        'role = "…"',
        f'token_sha256 = "{value["token_sha256"]}"',
    )
    for line in lines:
        console.print(line, markup=False)


def _key(name: str) -> str:
    """Return the name as a TOML key: a dot would begin another table."""
    return f'"{name}"' if "." in name else name

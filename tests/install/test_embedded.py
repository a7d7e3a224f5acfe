"""`pip install ostiary`, for real: an environment that holds only what `ostiary.verify` needs."""

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tidy.repository import ROOT
from tests.unit.verify.issuer import AUDIENCE, serving

pytestmark = [pytest.mark.system, pytest.mark.registry]

NEEDED = {"ostiary", "cryptography", "joserfc", "httpx"}
BELOW = {"anyio", "certifi", "cffi", "h11", "httpcore", "idna", "pycparser", "typing-extensions"}
"""What the three need themselves."""

PROGRAM = """
import json, sys
from ostiary.verify import TokenRefusedError, Verifier

issuer, audience, good, forged = sys.argv[1:]
with Verifier(issuer=issuer, audience=audience, fetch_seconds=60) as verifier:
    assert verifier.warm_up(60)
    principal = verifier.verify(good)
    try:
        verifier.verify(forged)
    except TokenRefusedError as refused:
        print(json.dumps([principal.subject, str(refused.reason)]))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel of this checkout."""

    directory: Path

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        program = str(self.directory / "bin" / command[0])
        return subprocess.run(
            [program, *command[1:]],
            cwd=self.directory,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """Build the wheel and install it, with its dependencies from the registry."""
    place = tmp_path_factory.mktemp("embedded")
    uv = [sys.executable, "-m", "uv"]
    subprocess.run(
        [*uv, "build", "--quiet", "--wheel", "--out-dir", str(place), str(ROOT)], check=True
    )
    (wheel,) = place.glob("*.whl")
    venv.create(place / "venv", with_pip=False)
    python = str(place / "venv" / "bin" / "python")
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", python, str(wheel)], check=True)
    return Environment(place / "venv")


def test_it_holds_only_what_is_needed(environment: Environment) -> None:
    program = "import importlib.metadata as m; print(*[d.name for d in m.distributions()])"
    done = environment.run("python", "-c", program)
    installed = {name.lower().replace("_", "-") for name in done.stdout.split()}
    assert installed >= NEEDED
    assert installed - NEEDED - BELOW == set()


def test_tokens_of_a_real_issuer_are_verified_there(environment: Environment) -> None:
    with serving() as issuer:
        good = issuer.token(iat=1, exp=4_000_000_000)
        done = environment.run(
            "python", "-c", PROGRAM, issuer.url, AUDIENCE, good, good[:-8] + "AAAAAAAA"
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["u-ada", "The signature of the access token is wrong."]


@pytest.mark.parametrize("command", [("ostiary", "up"), ("python", "-m", "ostiary.cli")])
def test_the_command_says_in_one_line_what_to_install(
    environment: Environment, command: tuple[str, ...]
) -> None:
    done = environment.run(*command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "pip install 'ostiary[server]'" in done.stderr

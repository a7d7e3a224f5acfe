"""Numbers about load as people read them."""

from collections.abc import Sequence


def percent(share: float) -> str:
    """Return a share of 0 to 1 in percent."""
    return f"{share * 100:.1f} %".replace(".0 %", " %")


def rate(per_second: float) -> str:
    """Return sign-ins a second with as many digits as mean something."""
    return f"{per_second:.4g}" if per_second < 1_000 else f"{per_second:.0f}"  # noqa: PLR2004 - four digits


def count(replicas: int) -> str:
    """Return a number of replicas with its noun."""
    return "1 replica" if replicas == 1 else f"{replicas} replicas"


def toml(values: Sequence[float]) -> str:
    """Return a list as it is written in a settings file."""
    return f"[{', '.join(f'{value:g}' for value in values)}]"

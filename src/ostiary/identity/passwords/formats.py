"""Formats of password hashes: how they were made, and nothing of any one hash.

A hash names its own parameters, so a store may hold hashes of several formats: of earlier settings,
and of other services whose accounts were brought in.
"""

import re
from dataclasses import dataclass, replace
from typing import Final, Literal, cast

from ostiary.kernel.errors import OstiaryError

PROBE_COST_KIB_MAX: Final = 1024 * 1024
"""The dearest hash that a probe account may ask for, in KiB of memory times passes: seconds."""

_FIRST_VERSION = 16
_TEXT = re.compile(
    r"(argon2(?:id|i|d))(?: v=([0-9]{1,3}))? m=([0-9]{1,9}) t=([0-9]{1,9}) p=([0-9]{1,4})"
    r" salt=([0-9]{1,4}) digest=([0-9]{1,4})"
)
_COSTS = re.compile(
    r"\$(argon2(?:id|i|d))\$(?:v=([0-9]{1,3})\$)?m=([0-9]{1,9}),t=([0-9]{1,9}),p=([0-9]{1,4})\$"
)

Variant = Literal["argon2id", "argon2i", "argon2d"]


class InvalidFormatError(OstiaryError):
    """A text that names no format of password hashes, or one that a probe must not ask for."""

    def __init__(self) -> None:
        super().__init__(
            "invalid_request",
            "This is no format of password hashes that a probe account can have.",
            hint="Write one as GET /admin/in-use shows it, with can_be_probed.",
        )


@dataclass(frozen=True, slots=True)
class HashFormat:
    """One format of Argon2 (RFC 9106). `version` is None for hashes that name none: it is 16.

    `memory_kib` is in KiB, `time_cost` in passes, `parallelism` in lanes; the rest are bytes.
    """

    variant: Variant
    version: int | None
    memory_kib: int
    time_cost: int
    parallelism: int
    salt_bytes: int
    digest_bytes: int

    @classmethod
    def parse(cls, text: str) -> "HashFormat":
        """Return the format that `str` has written; raises `InvalidFormatError`."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise InvalidFormatError
        return cls._read(found)

    @classmethod
    def of_parts(cls, costs: str, *, salt_characters: int, digest_characters: int) -> "HashFormat":
        """Return the format of a hash by what stands before its salt, and two lengths in base64.

        Raises `InvalidFormatError` for what is no hash of Argon2.
        """
        found = _COSTS.fullmatch(costs)
        if found is None:
            raise InvalidFormatError
        return cls._read(found, salt_characters * 3 // 4, digest_characters * 3 // 4)

    @classmethod
    def _read(cls, found: "re.Match[str]", *lengths: int) -> "HashFormat":
        variant, version, *numbers = found.groups()
        return cls(
            cast("Variant", variant),
            None if version is None else int(version),
            *(int(number) for number in numbers),
            *lengths,
        )

    def __str__(self) -> str:
        """Return the format as text, such as `argon2id v=19 m=19456 t=2 p=1 salt=16 digest=32`."""
        version = "" if self.version is None else f" v={self.version}"
        return (
            f"{self.variant}{version} m={self.memory_kib} t={self.time_cost} p={self.parallelism}"
            f" salt={self.salt_bytes} digest={self.digest_bytes}"
        )

    @property
    def costs(self) -> str:
        """Return what stands before the salt in an encoded hash."""
        version = "" if self.version is None else f"v={self.version}$"
        numbers = f"m={self.memory_kib},t={self.time_cost},p={self.parallelism}"
        return f"${self.variant}${version}{numbers}$"

    @property
    def can_be_probed(self) -> bool:
        """Return whether a probe account may have a hash of this format: sane, and not too dear."""
        return (
            self.version in {None, _FIRST_VERSION, 19}
            and self.time_cost >= 1
            and 1 <= self.parallelism <= 64  # noqa: PLR2004 - lanes of a large machine
            and 8 * self.parallelism <= self.memory_kib
            and self.memory_kib * self.time_cost <= PROBE_COST_KIB_MAX
            and 8 <= self.salt_bytes <= 64  # noqa: PLR2004 - as argon2 and the hash process allow
            and 4 <= self.digest_bytes <= 128  # noqa: PLR2004 - as above
        )

    @property
    def numbers(self) -> tuple[int, int, int, int, int]:
        """Return passes, KiB, lanes, bytes of the digest and version, as the hash process reads."""
        version = _FIRST_VERSION if self.version is None else self.version
        return (self.time_cost, self.memory_kib, self.parallelism, self.digest_bytes, version)

    def written(self, encoded: str) -> str:
        """Return an encoded hash as this format writes it: some name no version."""
        if self.version is not None:
            return encoded
        return encoded.replace(replace(self, version=_FIRST_VERSION).costs, self.costs, 1)


def probe_format(text: str) -> HashFormat:
    """Return the format for a probe account; raises `InvalidFormatError`."""
    wanted = HashFormat.parse(text)
    if not wanted.can_be_probed:
        raise InvalidFormatError
    return wanted

"""xxHash64 against the published values of its reference implementation."""

import pytest

from ostiary.changes.load.xxhash import xxh64


@pytest.mark.parametrize(
    ("data", "seed", "expected"),
    [
        (b"", 0, 0xEF46DB3751D8E999),
        (b"a", 0, 0xD24EC4F1A98C6E5B),
        (b"abc", 0, 0x44BC2CF5AD770999),
        (b"xxhash", 20_141_025, 13_067_679_811_253_438_005),
        (b"Nobody inspects the spammish repetition", 0, 0xFBCEA83C8A378BF1),
    ],
)
def test_the_hash_is_that_of_the_reference(data, seed, expected) -> None:
    assert xxh64(data, seed) == expected

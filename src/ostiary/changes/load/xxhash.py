"""xxHash64, by which Envoy places replicas and clients (Y. Collet, xxHash specification, XXH64)."""

_MASK = (1 << 64) - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_STRIPE, _LANE, _HALF = 32, 8, 4


def xxh64(data: bytes, seed: int = 0) -> int:
    """Return the hash of `data`, a number of 64 bits."""
    length = len(data)
    value = _of_stripes(data, seed) if length >= _STRIPE else (seed + _P5) & _MASK
    value = (value + length) & _MASK
    at = length - length % _STRIPE
    while at + _LANE <= length:
        value ^= _round(0, int.from_bytes(data[at : at + _LANE], "little"))
        value = (_rotate(value, 27) * _P1 + _P4) & _MASK
        at += _LANE
    if at + _HALF <= length:
        value ^= int.from_bytes(data[at : at + _HALF], "little") * _P1 & _MASK
        value = (_rotate(value, 23) * _P2 + _P3) & _MASK
        at += _HALF
    for byte in data[at:]:
        value = _rotate(value ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    value = (value ^ (value >> 33)) * _P2 & _MASK
    value = (value ^ (value >> 29)) * _P3 & _MASK
    return value ^ (value >> 32)


def _of_stripes(data: bytes, seed: int) -> int:
    lanes = [(seed + _P1 + _P2) & _MASK, (seed + _P2) & _MASK, seed, (seed - _P1) & _MASK]
    for at in range(0, len(data) - _STRIPE + 1, _STRIPE):
        for lane in range(4):
            start = at + lane * _LANE
            word = int.from_bytes(data[start : start + _LANE], "little")
            lanes[lane] = _round(lanes[lane], word)
    turns = zip(lanes, (1, 7, 12, 18), strict=True)
    value = sum(_rotate(lane, bits) for lane, bits in turns) & _MASK
    for lane in lanes:
        value = ((value ^ _round(0, lane)) * _P1 + _P4) & _MASK
    return value


def _round(lane: int, word: int) -> int:
    return _rotate((lane + word * _P2) & _MASK, 31) * _P1 & _MASK


def _rotate(value: int, bits: int) -> int:
    return ((value << bits) | (value >> (64 - bits))) & _MASK

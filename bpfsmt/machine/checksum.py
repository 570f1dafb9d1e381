"""The Internet checksum's sum (RFC 1071), as ``bpf_csum_diff`` gives it."""

from __future__ import annotations


def folded(total: int) -> int:
    """A one's complement sum in 16 bits: carries are added back in.

    >>> hex(folded(0x2FFFF))
    '0x2'
    """
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def _words(data: bytes) -> list[int]:
    return [int.from_bytes(data[i : i + 2], "little") for i in range(0, len(data), 2)]


def csum_diff(before: bytes, after: bytes, seed: int) -> int:
    """``seed`` plus the sum of ``after`` minus that of ``before``, in 16 bits.

    Words are in the byte order of a little-endian machine; subtraction adds the
    complement.  Linux folds the result to 16 bits since 6.13 (on x86 before: 32 bits that
    fold to the same).

    >>> csum_diff(b"\\x01\\x00\\x00\\x00", b"\\x03\\x00\\x00\\x00", 0)
    2
    """
    total = seed + sum(_words(after)) + sum(0xFFFF - word for word in _words(before))
    return folded(total)

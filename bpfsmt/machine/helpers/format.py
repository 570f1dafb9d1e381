"""printk for BPF: the conversions that ``bpf_trace_printk`` and ``bpf_snprintf`` know.

Which ones those are, and what ends a conversion, follows Linux 6.18, kernel/bpf/helpers.c
(``bpf_bprintf_prepare``).  Addresses are shown as they are, not hashed.
"""

from __future__ import annotations

import ipaddress
import re
import string
from collections.abc import Callable, Sequence

_CONVERSION = re.compile(
    rb"%(?:%|(?P<flags>[0+\- ]*)(?P<width>[1-9][0-9]*)?"
    rb"(?:p(?P<ip>[iI][46])|p(?P<string>[ku]s)|p(?P<symbol>[KxsSB]?)|(?P<plain>[sc])"
    rb"|(?P<long>l{0,2})(?P<number>[diuxX])))"
)
_ENDS = frozenset(string.punctuation.encode() + string.whitespace.encode())
_PRINTABLE = frozenset(string.printable.encode())


class BadFormat(Exception):
    """A format that the kernel answers with -EINVAL."""


def format_text(
    text: bytes,
    args: Sequence[int],
    read_string: Callable[[int, str], bytes],
    read: Callable[[int, int], bytes],
) -> bytes:
    r"""The text with its conversions filled in, in order, from ``args`` (words of 64 bits).

    ``read_string(address, kind)`` reads a string for ``%s`` ("s"), ``%pks`` ("k") or
    ``%pus`` ("u"), ``read`` the bytes of an address of the Internet.  Raises `BadFormat`.

    >>> format_text(b"%d of %-4x|", [2**64 - 1, 255], lambda a, k: b"", lambda a, n: b"")
    b'-1 of ff  |'
    """
    if any(byte < 128 and byte not in _PRINTABLE for byte in text):
        raise BadFormat
    words = iter(args)
    parts, at = [], 0
    while (begin := text.find(b"%", at)) >= 0:
        found = _CONVERSION.match(text, begin)
        if found is None:
            raise BadFormat
        parts.append(text[at:begin])
        at = found.end()
        if found[0] == b"%%":
            parts.append(b"%")
            continue
        word = next(words, None)
        if word is None or not _ends(found, text[at : at + 1]):
            raise BadFormat
        parts.append(_shown(found, word, read_string, read))
    return b"".join([*parts, text[at:]])


def _ends(found: re.Match[bytes], following: bytes) -> bool:
    """Strings and bare pointers must not run into a letter or digit."""
    if found["string"] or found["plain"] == b"s" or found["symbol"] == b"":
        return not following or following[0] in _ENDS
    return True


def _shown(
    found: re.Match[bytes],
    word: int,
    read_string: Callable[[int, str], bytes],
    read: Callable[[int, int], bytes],
) -> bytes:
    if found["ip"]:
        return _address(found["ip"], read(word, 4 if found["ip"][1:] == b"4" else 16))
    if found["string"]:
        return _padded(found, read_string(word, found["string"][:1].decode()))
    if found["plain"] == b"s":
        return _padded(found, read_string(word, "s"))
    if found["plain"] == b"c":
        return _padded(found, bytes([word & 0xFF]))
    if found["number"]:
        return _number(found, word)
    return b"%016x" % word


def _number(found: re.Match[bytes], word: int) -> bytes:
    bits = 64 if found["long"] else 32
    value = word & ((1 << bits) - 1)
    kind = found["number"]
    sign = b""
    if kind in b"di":
        value = (value ^ 1 << bits - 1) - (1 << bits - 1)
        plus = b"+" if b"+" in found["flags"] else b" " if b" " in found["flags"] else b""
        sign = b"-" if value < 0 else plus
    digits = (b"%X" if kind == b"X" else b"%x" if kind == b"x" else b"%d") % abs(value)
    width = int(found["width"] or 0)
    if b"0" in found["flags"] and b"-" not in found["flags"]:
        digits = digits.rjust(width - len(sign), b"0")
    return _padded(found, sign + digits)


def _padded(found: re.Match[bytes], text: bytes) -> bytes:
    width = int(found["width"] or 0)
    return text.ljust(width) if b"-" in found["flags"] else text.rjust(width)


def _address(kind: bytes, data: bytes) -> bytes:
    """%pI4 1.2.3.4, %pi4 001.002.003.004, %pI6 in groups with colons, %pi6 without."""
    if kind == b"I4":
        return str(ipaddress.IPv4Address(data)).encode()
    if kind == b"i4":
        return b".".join(b"%03d" % byte for byte in data)
    digits = data.hex()
    groups = [digits[at : at + 4] for at in range(0, 32, 4)]
    return ("" if kind == b"i6" else ":").join(groups).encode()

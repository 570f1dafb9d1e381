"""Helpers on text: printing, formatting, parsing numbers, comparing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpfsmt.machine.errno import EINVAL, ERANGE
from bpfsmt.machine.helpers.base import U32, U64, Printed
from bpfsmt.machine.helpers.format import BadFormat, format_text
from bpfsmt.machine.helpers.probe import ProbeHelpers

if TYPE_CHECKING:
    from bpfsmt.machine.machine import Machine

_MOST_ARGS = 12
_SPACES = b" \t\n\v\f\r\xa0"
_MOST_DIGITS = 63
_BASES = (0, 8, 10, 16)


class TextHelpers(ProbeHelpers):
    """What is printed is in ``printed``."""

    def _formatted(self, m: Machine, text: bytes, args: tuple[int, ...]) -> bytes:
        """The text; raises `BadFormat` for what the kernel's printk for BPF does not take."""

        def string(address: int, kind: str) -> bytes:
            user = kind == "u" or (kind == "s" and not address >> 63)
            return self.string_at(m, address, 511, user=user) or b""

        def memory(address: int, size: int) -> bytes:
            return self.kernel_bytes(m, address, size) or bytes(size)

        return format_text(text, args, string, memory)

    def _print(self, m: Machine, text: bytes, args: tuple[int, ...]) -> int:
        try:
            line = self._formatted(m, text, args)
        except BadFormat:
            return EINVAL
        shown = line.decode("utf-8", "replace").removesuffix("\n")
        self.printed.append(Printed(m.program.name, self.time, shown))
        return len(line)

    def bpf_trace_printk(self, m: Machine, text: int, size: int, *args: int) -> int:
        """Print: the line's length, or -EINVAL for the format."""
        given = m.memory.read(text, size & U32)
        if b"\0" not in given:
            return EINVAL
        return self._print(m, given.partition(b"\0")[0], args)

    def bpf_trace_vprintk(
        self, m: Machine, text: int, size: int, data: int, data_size: int, _: int
    ) -> int:
        """As `bpf_trace_printk`, with the arguments in memory."""
        given = m.memory.read(text, size & U32)
        args = self._args(m, data, data_size & U32)
        if args is None or b"\0" not in given:
            return EINVAL
        return self._print(m, given.partition(b"\0")[0], args)

    def bpf_snprintf(
        self, m: Machine, to: int, size: int, text: int, data: int, data_size: int
    ) -> int:
        """Format into memory, cut to the room: the length with the end that it would have."""
        args = self._args(m, data, data_size & U32)
        given = self.string_at(m, text, 4096, user=False)
        if args is None or given is None:
            return EINVAL
        try:
            line = self._formatted(m, given, args)
        except BadFormat:
            return EINVAL
        size &= U32
        if size:
            m.memory.write(to, line[: size - 1] + b"\0")
        return len(line) + 1

    def _args(self, m: Machine, data: int, size: int) -> tuple[int, ...] | None:
        if size % 8 or size > 8 * _MOST_ARGS or (size and not data):
            return None
        raw = m.memory.read(data, size)
        return tuple(int.from_bytes(raw[at : at + 8], "little") for at in range(0, size, 8))

    # Numbers ---------------------------------------------------------------------------

    def bpf_strtol(self, m: Machine, text: int, size: int, flags: int, to: int, _: int) -> int:
        """A signed number of 64 bits: how many characters it took, -EINVAL or -ERANGE."""
        m.memory.write(to, bytes(8))
        found = _number(m.memory.read(text, size), flags)
        if isinstance(found, int):
            return found
        value, used = found
        if not -(1 << 63) <= value < 1 << 63:
            return ERANGE
        m.memory.write(to, (value & U64).to_bytes(8, "little"))
        return used

    def bpf_strtoul(self, m: Machine, text: int, size: int, flags: int, to: int, _: int) -> int:
        """An unsigned number of 64 bits: how many characters it took, -EINVAL or -ERANGE."""
        m.memory.write(to, bytes(8))
        given = m.memory.read(text, size)
        found = _number(given, flags)
        if isinstance(found, int):
            return found
        value, used = found
        if given.lstrip(_SPACES).startswith(b"-"):
            return EINVAL
        m.memory.write(to, value.to_bytes(8, "little"))
        return used

    def bpf_strncmp(self, m: Machine, one: int, size: int, two: int, *_: int) -> int:
        """-1, 0 or 1, of at most ``size`` characters."""
        size &= U32
        a = m.memory.read(one, size).partition(b"\0")[0]
        b = self.string_at(m, two, size, user=False) or b""
        return (a > b) - (a < b)


def _number(text: bytes, flags: int) -> tuple[int, int] | int:
    """A number at the start of a text, and how many characters it took; or an error number.

    ``flags`` are the base, 0 to recognise it (Linux 6.18, kernel/bpf/helpers.c).
    """
    base = flags & 0x1F
    if base not in _BASES or flags & ~0x1F:
        return EINVAL
    rest = text.lstrip(_SPACES)
    negative = rest.startswith(b"-")
    rest = rest[negative:]
    base, mark = _radix(rest, base)
    digits = rest[mark:_MOST_DIGITS]
    length = 0
    while length < len(digits) and _digit(digits[length]) < base:
        length += 1
    if length == 0:
        return EINVAL
    value = int(digits[:length], base)
    if value > U64:
        return ERANGE
    return (-value if negative else value), len(text) - len(rest) + mark + length


def _radix(digits: bytes, base: int) -> tuple[int, int]:
    """The base, and how many characters say so."""
    marked = digits[:2].lower() == b"0x"
    if base == 0:
        if not digits.startswith(b"0"):
            base = 10
        else:
            base = 16 if marked and _digits_from(digits, 2) else 8
    return base, 2 if base == 16 and marked else 0


def _digits_from(text: bytes, at: int) -> bool:
    return at < len(text) and _digit(text[at]) < 16


def _digit(character: int) -> int:
    """What a character counts as a digit; 99 if it is none."""
    try:
        return int(chr(character), 36) if character < 128 else 99
    except ValueError:
        return 99

"""Text that helpers print, format, compare and parse, as the running kernel does."""

from __future__ import annotations

import random

import pytest

from bpfsmt.conformance import Agreement, Case, check
from bpfsmt.kernel import RunInput, available
from bpfsmt.machine import Inputs, run
from bpfsmt.program import load_asm

from .test_kernel import same_answer
from .texts import END, FOLD, START, on_stack

pytestmark = pytest.mark.skipif(bool(WHY := available()), reason=WHY or "")


def constant_map(data: bytes) -> str:
    size = len(data)
    return f".map s type=array key=4 value={size} entries=1 flags=0x80 frozen data={data.hex()}\n"


NUMBERS = [
    b"0", b"-0", b"12", b"-12", b"  42x", b"0x", b"0x1f", b"0XfG", b"-0x10", b"010", b"08", b"",
    b"-", b" ", b"+5", b"18446744073709551615", b"18446744073709551616", b"-18446744073709551615",
    b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808",
    b"-9223372036854775809", b"\xa07", b"\t\n\v\f\r 7", b"7\x007", b"1" * 70, b" " * 70 + b"5",
    b"0" * 62 + b"7", b"0" * 63 + b"7",
]  # fmt: skip


@pytest.mark.parametrize("helper", ["bpf_strtol", "bpf_strtoul"])
def test_numbers_are_parsed_alike(helper: str) -> None:
    for text in NUMBERS:
        body = ""
        for flags in (0, 8, 10, 16, 2, 32):
            body += f"""
                r1 = r10
                r1 += -128
                r2 = {max(1, len(text))}
                r3 = {flags}
                r4 = r10
                r4 += -8
                call {helper}
                {FOLD}
                r0 = *(u64 *)(r10 - 8)
                {FOLD}
            """
        same_answer(START + "*(u64 *)(r10 - 8) = 5\n" + on_stack(text or b"\0", 128) + body + END)


def test_strings_are_compared_alike() -> None:
    texts = [b"", b"a", b"ab", b"abc", b"abd", b"b", b"\xff", b"ab\0c"]
    for constant in texts:
        data = constant + b"\0"
        head = constant_map(data)
        for text in texts:
            body = f"""
                r1 = r10
                r1 += -16
                r2 = {max(1, len(text))}
                r3 = map[s][0]+0
                call bpf_strncmp
                {FOLD}
            """
            same_answer(head + START + on_stack(text or b"\0", 16) + body + END)


FORMATS = [
    b"plain", b"%d", b"%i %u", b"%x %X", b"%ld %lld", b"%lu %llu %llx", b"%5d|%-5d|%05d",
    b"%+d % d", b"%08x|%-8x|%3x", b"%c%c", b"%%d", b"%d %", b"%q", b"%5c|%-5c|", b"%lX", b"%hd",
    b"%p", b"%px", b"%pK", b"%llllx", b"%-05d|", b"%d %d %d", b"%d %d %d %d", b"%03u%%",
    b"\xc3\xa4 %d", b"\x01", b"%l", b"%s", b"%sx", b"%s.", b"%pks", b"%pI4", b"%pi4", b"%pI6",
    b"%pi6", b"%pI5", b"%10s|%-10s|", b"%+05d", b"%+u|% x", b"%0-8d|", b"%1000d",
]  # fmt: skip
VALUES = [0, 1, -1, 65, 1 << 31, (1 << 63) | 0x1234]


def args_on_stack(rng: random.Random, text: bytes) -> str:
    """Three words at fp-32: numbers, or where the format wants it the address of fp-64."""
    lines = on_stack(b"text of the stack\0", 64)
    pointer = any(mark in text for mark in (b"%s", b"%pI", b"%pi", b"%pks", b"s|"))
    for n in range(3):
        value = "r10" if pointer else f"{rng.choice(VALUES)} ll"
        lines += f"r0 = {value}\n" + ("r0 += -64\n" if pointer else "")
        lines += f"*(u64 *)(r10 - {32 - 8 * n}) = r0\n"
    return lines


@pytest.mark.parametrize("text", FORMATS, ids=str)
def test_text_is_formatted_alike(text: bytes) -> None:
    """The kernel's verifier looks at the format too: what it refuses is -EINVAL here."""
    rng = random.Random(1)
    data = text + b"\0"
    head = (
        f".map s type=array key=4 value={len(data)} entries=1 flags=0x80 frozen data={data.hex()}\n"
    )
    for size, count in ((64, 24), (4, 24), (64, 8), (64, 0), (1, 24)):
        body = START + args_on_stack(rng, text) + on_stack(bytes(64), 256)
        body += f"""
            r1 = r10
            r1 += -256
            r2 = {size}
            r3 = map[s][0]+0
            r4 = r10
            r4 += -32
            r5 = {count}
            call bpf_snprintf
            {FOLD}
        """
        answer = "".join(f"r0 = *(u64 *)(r10 - {256 - 8 * n})\n{FOLD}" for n in range(8))
        if text in (b"%p", b"%pK"):  # the kernel hides addresses
            answer = ""
        whole = load_asm(head + body + answer + END, "test")
        found = check(Case("files", str(text), whole, (RunInput(),)))
        if found.agreement is Agreement.REJECTED and found.why == "Invalid format string":
            short = run(load_asm(head + body + "r0 = r9\nexit", "test"), Inputs(bytes(64)))
            assert short.r0 == -22 & (1 << 64) - 1
        else:
            assert found.agreement is Agreement.SAME, (found.why, *map(str, found.differences))


def test_lines_are_printed_alike() -> None:
    for text in FORMATS[:20]:
        given = text + b"\0"
        for size in (len(given), len(text) or 1):
            body = f"""
                r1 = r10
                r1 += -64
                r2 = {size}
                r3 = 5
                r4 = -7
                r5 = 65
                call bpf_trace_printk
                {FOLD}
            """
            if b"%s" not in text:
                same_answer(START + on_stack(given, 64) + body + END)

"""Pieces of programs whose answers are folded into R9, which a test run shows."""

from __future__ import annotations

FOLD = "r9 *= 31\nr9 += r0\n"
START = "r6 = r1\nr9 = 0\n"
END = "r0 = r9\nexit"


def on_stack(data: bytes, below: int) -> str:
    """Store bytes, padded to words, from fp - ``below`` on."""
    padded = data + bytes(-len(data) % 8)
    assert len(padded) <= below <= 512
    words = [int.from_bytes(padded[at : at + 8], "little") for at in range(0, len(padded), 8)]
    return "".join(
        f"r0 = {word} ll\n*(u64 *)(r10 - {below - 8 * n}) = r0\n" for n, word in enumerate(words)
    )

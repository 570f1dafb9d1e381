"""Fields of the context, written and read in every width: the encoder against the machine."""

from __future__ import annotations

import random

import pytest

import bpfsmt
from bpfsmt.machine import Inputs, run
from bpfsmt.program import Program, ProgramType, load_asm
from bpfsmt.semantics.context import LAYOUTS, CtxField
from bpfsmt.symbolic import memory
from bpfsmt.symbolic.encode import encode

from .test_encoding import symbolic_result

TC = LAYOUTS[ProgramType.SCHED_CLS]
FIELDS = [f for f in TC.fields if f.kind == "scalar"]
NUMBERS = (0, 1, 0xFFFE, 0xFFFF, 0x10001, 0x12345678, 0xFFFFFFFF)


def access(rng: random.Random, f: CtxField, *, write: bool) -> tuple[int, int] | None:
    """Offset and size of something that a program may do with a field."""
    possible = [
        (at, size)
        for size in (1, 2, 4, 8)
        for at in range(f.offset, f.offset + f.size - size + 1, size)
        if TC.access(at, size, write=write) is not None
    ]
    return rng.choice(possible) if possible else None


def program(rng: random.Random) -> Program:
    """Some writes and many reads of few fields, all folded into the answer."""
    fields, lines = rng.sample(FIELDS, 4), ["r9 = 0"]
    fields.append(next(f for f in FIELDS if f.name == "cb"))
    for _ in range(20):
        f = rng.choice(fields)
        write = access(rng, f, write=True)
        if write is not None and rng.random() < 0.5:
            at, size = write
            lines += [f"r2 = {rng.choice(NUMBERS):#x} ll", f"*(u{8 * size} *)(r1 + {at}) = r2"]
        read = access(rng, f, write=False)
        assert read is not None
        at, size = read
        lines += [f"r2 = *(u{8 * size} *)(r1 + {at})", "r9 *= 31", "r9 += r2"]
    return load_asm("\n".join([".type sched_cls", *lines, "r0 = r9", "exit"]), "fields")


def both(rng: random.Random) -> tuple[int | None, int | None]:
    """What the encoder and the machine answer, for the same numbers in the context."""
    chosen, cb = program(rng), rng.randbytes(20)
    numbers = {f.name: rng.getrandbits(8 * (f.kept or f.size)) for f in FIELDS if f.name != "cb"}
    result = run(chosen, Inputs(bytes(64), {**numbers, "cb": int.from_bytes(cb, "little")}))
    parts = {f"cb.{n}": byte for n, byte in enumerate(cb)}
    return symbolic_result(encode(chosen), bytes(64), {**numbers, **parts}), result.r0


def test_the_encoder_answers_as_the_machine() -> None:
    rng = random.Random(3)
    for _ in range(60):
        symbolic, concrete = both(rng)
        assert symbolic == concrete is not None


def test_an_encoder_that_reads_elsewhere_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The planted bug: every word of ``cb`` is the first one."""
    right = memory._field_bytes
    monkeypatch.setattr(
        memory, "_field_bytes", lambda state, f, at, size: right(state, f, at % 4, size)
    )
    rng = random.Random(3)
    assert any(symbolic != concrete for symbolic, concrete in (both(rng) for _ in range(10)))


WORDS = """
    .type sched_cls
    r2 = *(u32 *)(r1 + 76)
    r3 = *(u32 *)(r1 + 80)
    r4 = 0
    *(u32 *)(r1 + {written}) = r4
    r4 = *(u32 *)(r1 + 52)      ; cb[1]
    r5 = r2
    r5 += 8
    r0 = 0
    if r5 > r3 goto out
    if r4 > 64 goto out
    r2 += r4
    r0 = *(u8 *)(r2 + 0)
out:
    exit
"""


@pytest.mark.parametrize(
    ("written", "settled"),
    [(48, "true rejection"), (52, "false rejection: safe for all inputs")],
)
def test_one_word_of_many_is_zero(written: int, settled: str) -> None:
    """The packet is read at an offset that is checked for another length: safe only for 0."""
    report = bpfsmt.crosscheck(load_asm(WORDS.format(written=written), "words"), timeout=20)
    assert report.rejection is not None
    assert report.rejection.claim == settled

"""Where numbers come from: constants, fields of the context, helpers."""

from __future__ import annotations

from bpfsmt.domain import RegType
from bpfsmt.domain.scalar import UNKNOWN
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.values import immediate, near
from bpfsmt.generate.insns import alu, call, const, load
from bpfsmt.isa import AluOp
from bpfsmt.semantics.context import layout_of

CONTEXT_SLOT = -8
"""Where the main function keeps the context."""

_PRANDOM = 7

_ELSEWHERE = ("egress_ifindex",)
"""Fields that only programs attached elsewhere may read."""


def constant(d: Drawing) -> None:
    """A constant."""
    value, dst = near(d, UNKNOWN), d.a_target()
    if d.wide():
        d.put(const(dst, value - (1 << 64) if value >> 63 else value))
    else:
        d.put(alu(AluOp.MOV, dst, None, immediate(value), wide=False))


def field(d: Drawing) -> None:
    """A number of the context, often shifted into the upper half."""
    fields = [
        f for f in layout_of(d.draft.kind).fields
        if f.kind == "scalar" and f.size <= 8 and f.name not in _ELSEWHERE
    ]  # fmt: skip
    dst = d.a_target()
    base = context(d, dst)
    if base is None:
        return
    f = d.one(fields)
    size = f.size
    if f.narrow and d.often(1, 4):
        size = d.one([s for s in (1, 2, 4) if s <= f.size])
    d.put(load(dst, base, f.offset, size))
    if d.often(1, 3):
        d.put(alu(AluOp.LSH, dst, None, d.one((32, 1, 16, 31, 33))))


def random(d: Drawing) -> None:
    """A number of which nothing is known; a call loses R1 to R5."""
    if d.kept.isdisjoint(range(6)):
        d.put(call(_PRANDOM))


def context(d: Drawing, into: int) -> int | None:
    """A register with the context, if need be loaded into this one; `None` if it is lost."""
    found = d.which(lambda reg: reg.type is RegType.PTR_TO_CTX)
    if found:
        return found[0]
    slot = -CONTEXT_SLOT // 8 - 1
    kept = [s.frames[-1].stack.get(slot) for s in d.draft.here]
    if not all(k and k.spill and k.spill.type is RegType.PTR_TO_CTX for k in kept):
        return None
    return into if d.draft.put(load(into, FRAME, CONTEXT_SLOT, 8)) else None


def some_number(d: Drawing, *but: int) -> int | None:
    """A register with a number other than these, made if there is none."""
    found = d.a_number(*but)
    if found is not None:
        return found
    dst = d.a_target(*but)
    if context(d, dst) is not None and d.often(1, 2):
        field(d)
    else:
        d.put(const(dst, d.number(0, 255)))
    return d.a_number(*but)

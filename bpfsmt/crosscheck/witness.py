"""From a solver's model to inputs that anyone can replay: packet, context, helper results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import z3

from bpfsmt.semantics.context import CtxField, layout_of
from bpfsmt.semantics.helpers import HELPERS, Arg
from bpfsmt.symbolic.calls import CHECK_MTU
from bpfsmt.symbolic.encode import Encoding, Node, place
from bpfsmt.symbolic.memory import STACK_SIZE, ctx_part
from bpfsmt.symbolic.records import GIVES_BACK
from bpfsmt.symbolic.state import SymState

AS_THEY_ARE = {*GIVES_BACK, CHECK_MTU}
"""Helpers that do in a replay what they do: nothing of the outcome is chosen."""
MAX_BYTES = 2048
"""Packet bytes beyond this many are zero in a witness."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that the environment decided, in execution order.

    ``kind`` is "call" (``value`` is what the helper returned, `None` for the address of a
    map value; ``out`` are bytes that it wrote), "load" (``value`` is what a map value held:
    another CPU may have written it) or "program" (a tail call succeeded: ``value`` is what the
    other program returned, ``packet`` where it left data_meta, data and data_end).
    """

    kind: str
    pc: int
    value: int | None
    out: bytes = b""
    packet: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """Concrete inputs of one run.  ``packet`` starts at the first byte that ``data`` names."""

    packet: bytes
    meta: bytes
    ctx: dict[str, int]
    events: tuple[Event, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data: hex strings and numbers."""
        return {
            "packet": self.packet.hex(),
            "meta": self.meta.hex(),
            "ctx": self.ctx,
            "events": [
                {"kind": e.kind, "pc": e.pc, "value": e.value, "out": e.out.hex()}
                | ({} if e.packet is None else {"packet": list(e.packet)})
                for e in self.events
            ],
        }


def witness_of(encoding: Encoding, model: Any) -> Witness:
    """The inputs that a model of the global formula stands for."""
    read = _Reader(model)
    length = read.word(z3.BitVec("packet.len", 64))
    meta = read.word(z3.BitVec("packet.meta", 64))
    array = z3.Array("packet", z3.BitVecSort(32), z3.BitVecSort(8))

    def byte(i: int) -> int:
        return read.word(z3.Select(array, z3.BitVecVal(i, 32))) if i < MAX_BYTES else 0

    ctx = {}
    for f in layout_of(encoding.program.type).fields:
        if f.kind == "scalar":
            ctx[f.name] = _context_field(f, read)
    events = [e for node in encoding.nodes.values() for e in _events(node, read)]
    return Witness(
        bytes(byte(i) for i in range(length)),
        bytes(byte(i) for i in range(-meta, 0)),
        ctx,
        tuple(events),
    )


def _context_field(f: CtxField, read: _Reader) -> int:
    """The number in a field: one input, or of a long field one for each byte."""
    if f.size <= 8:
        return read.word(z3.BitVec(f"ctx.{f.name}", 64)) & f.mask
    parts = (read.word(z3.BitVec(f"ctx.{ctx_part(f, at)}", 64)) & 0xFF for at in range(f.size))
    return sum(part << 8 * at for at, part in enumerate(parts))


class _Reader:
    """Values under a model; what the model leaves open is 0 or false."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.named = {d.name(): d for d in model.decls()}

    def word(self, term: Any) -> int:
        """An unsigned number."""
        return int(self.model.eval(term, model_completion=True).as_long())

    def signed(self, term: Any) -> int:
        """The same, signed."""
        return int(self.model.eval(term, model_completion=True).as_signed_long())

    def truth(self, term: Any) -> bool:
        """A truth value."""
        return bool(z3.is_true(self.model.eval(term, model_completion=True)))


def _events(node: Node, read: _Reader) -> list[Event]:
    """What the environment decided at this point, if the run comes here."""
    at = place(node.point)
    mentioned = {n for n in read.named if n.split(".", 1)[-1].startswith(at)}
    if not read.truth(node.reach):
        return []
    pc = node.point[1]
    loads = [n for n in mentioned if n.startswith(f"load.{at}.")]
    if loads:
        return [Event("load", pc, read.word(read.named[loads[0]]()))]
    if node.insn.helper is None or node.insn.helper in AS_THEY_ARE:
        return []
    assert node.stepped is not None
    for arm in node.stepped.arms:
        if arm.kind == "return" and read.truth(arm.guard):
            return [_other_program(pc, arm.state, read)]
    out = bytes(read.word(z3.BitVec(f"out.{at}.{k}", 8)) for k in range(_outputs(node, read)))
    result = node.stepped.arms[0].state.regs[0]
    alt = next(a for a in result.alts if read.truth(a.guard))
    return [Event("call", pc, read.word(alt.off) if alt.region is None else None, out)]


def _other_program(pc: int, after: SymState, read: _Reader) -> Event:
    """What the program did that a tail call went on with."""
    marks = read.signed(after.data_meta), read.signed(after.data), read.signed(after.data_end)
    return Event("program", pc, read.word(after.regs[0].bits), packet=marks)


def _outputs(node: Node, read: _Reader) -> int:
    """How many bytes of the stack the helper fills."""
    helper = HELPERS.get(node.insn.imm)
    if helper is None or Arg.UNINIT_MEM not in helper.args:
        return 0
    number = helper.args.index(Arg.UNINIT_MEM) + 1
    memory, size = node.state.regs[number], node.state.regs[number + 1]
    alt = next(a for a in memory.alts if read.truth(a.guard))
    on_stack = alt.region is not None and alt.region.kind == "stack"
    return min(read.word(size.bits), STACK_SIZE) if on_stack else 0

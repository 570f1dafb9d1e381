"""Just beyond what is accepted: each gadget ends a program with something that is refused.

What is refused by how little is where rules decide, so every check should be met from both
sides.  Where the state admits it after all, the program just goes on.
"""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.domain import RegType
from bpfsmt.generate.guided.drawing import FRAME, Drawing
from bpfsmt.generate.guided.numbers import context, some_number
from bpfsmt.generate.insns import alu, call, const, load, map_of, mov, store, store_imm, value_of
from bpfsmt.isa import HELPER_IDS, AluOp, Instruction
from bpfsmt.semantics.prototypes import ALLOWED

_FAR = (1 << 29, (1 << 29) - 1, -(1 << 29), 1 << 30, -(1 << 31), 1 << 31, 1 << 33, -(1 << 63))
_VALUE, _HASH, _LOOKUP = 2, 0, 1


def end(d: Drawing) -> None:
    """One of the misuses."""
    d.one(MISUSES)(d)


def _last(d: Drawing, insn: Instruction) -> None:
    """Put an instruction, whether it is accepted or not."""
    if d.draft.here and not d.draft.put(insn):
        d.draft.put_anyway(insn)


def far_pointer(d: Drawing) -> None:
    """A pointer is moved far away, in one step or two."""
    pointer = _a_pointer(d)
    step = d.a_target(pointer)
    d.put(const(step, d.one(_FAR)))
    _last(d, alu(d.one((AluOp.ADD, AluOp.SUB)), pointer, step))
    _last(d, alu(AluOp.ADD, pointer, None, (1 << 29) - 1))


def unbounded_pointer(d: Drawing) -> None:
    """A number that is not bounded enough, or negative, is added to a pointer that is used."""
    pointer = _a_pointer(d)
    number = some_number(d, pointer)
    if number is not None:
        _last(d, alu(d.one((AluOp.ADD, AluOp.SUB)), pointer, number))
        _last(d, load(d.a_target(pointer), pointer, d.one((0, 8, -8)), d.one((8, 1))))


def beyond_value(d: Drawing) -> None:
    """Before or behind a map's value."""
    pointer = d.a_target()
    d.put(value_of(pointer, _VALUE, d.one((0, 63))))
    back = d.often(1, 2)
    if back:
        d.put(alu(AluOp.ADD, pointer, None, -1))
    _last(d, load(d.a_target(), pointer, d.one((-1, 64, 57, 32767, -32768)), d.one((8, 1, 2))))


def beyond_stack(d: Drawing) -> None:
    """Above or below the stack, at an offset that is known or not."""
    pointer = d.a_target()
    d.put(mov(pointer, FRAME))
    number = some_number(d, pointer)
    if number is not None and d.often(1, 2):
        _last(d, alu(AluOp.ADD, pointer, number))
    at = d.one((-512, -520, 0, -4, 8))
    if d.often(1, 2):
        _last(d, store_imm(pointer, at, 0, d.one((8, 4))))
    else:
        _last(d, load(d.a_target(), pointer, at, d.one((8, 4))))


def bad_size(d: Drawing) -> None:
    """A helper's memory has a size that is 0, negative, or more than there is."""
    if not d.kept.isdisjoint(range(6)) or "bpf_csum_diff" not in ALLOWED[d.draft.kind]:
        return
    d.put(store_imm(FRAME, -16, 0, 8))
    for n in (1, 3):
        d.put(mov(n, FRAME), alu(AluOp.ADD, n, None, -16))
    number = d.a_number(1, 3)
    if number is not None and d.often(1, 2):
        d.put(mov(2, number))
    else:
        d.put(const(2, d.one((0, -1, 24, 1 << 29, 1 << 32))))
    d.put(const(4, d.one((8, 0))), const(5, 0))
    _last(d, call(HELPER_IDS["bpf_csum_diff"]))


def maybe_null(d: Drawing) -> None:
    """A lookup's result is moved or used before it is compared with NULL."""
    if not d.kept.isdisjoint(range(6)):
        return
    d.put(store_imm(FRAME, -16, 0, 4), mov(2, FRAME), alu(AluOp.ADD, 2, None, -16))
    d.put(map_of(1, _HASH), call(_LOOKUP))
    _last(d, d.one((load(1, 0, 0, 8), alu(AluOp.ADD, 0, None, 0), alu(AluOp.ADD, 0, None, 8))))


def part_of_pointer(d: Drawing) -> None:
    """A pointer is spilled or filled in part."""
    pointer = _a_pointer(d)
    if d.often(1, 2):
        d.put(store(FRAME, -16, pointer, 8))
        _last(d, load(d.a_target(), FRAME, d.one((-16, -12)), d.one((4, 1))))
    else:
        _last(d, store(FRAME, -16, pointer, d.one((4, 2))))


def unreadable(d: Drawing) -> None:
    """A register that was never written, or a field that there is not."""
    empty = d.which(lambda reg: reg.type is RegType.NOT_INIT)
    base = context(d, d.a_target())
    if base is not None and d.often(1, 2):
        _last(d, load(d.a_target(base), base, d.one((200, 2, -4, 1)), d.one((4, 8))))
    elif empty:
        _last(d, mov(d.a_target(), d.one(empty)))


def pointers_mixed(d: Drawing) -> None:
    """Arithmetic that pointers do not have."""
    pointer = _a_pointer(d)
    op = d.one((AluOp.AND, AluOp.MUL, AluOp.LSH, AluOp.XOR, AluOp.NEG))
    if d.often(1, 3):
        _last(d, alu(AluOp.ADD, pointer, FRAME))
    else:
        _last(d, alu(op, pointer, None, 0 if op is AluOp.NEG else 1, wide=d.wide()))


def _a_pointer(d: Drawing) -> int:
    """A register with a pointer, one that is there or a new one."""
    pointers = d.which(lambda reg: reg.is_pointer)
    free = [n for n in pointers if n not in d.kept]
    if free and d.often(1, 2):
        return d.one(free)
    pointer = d.a_target()
    d.put(value_of(pointer, _VALUE, 8) if d.often(1, 2) else mov(pointer, FRAME))
    return pointer


MISUSES: tuple[Callable[[Drawing], None], ...] = (
    far_pointer, unbounded_pointer, beyond_value, beyond_stack, bad_size, maybe_null,
    part_of_pointer, unreadable, pointers_mixed,
)  # fmt: skip
"""Each, the first being the simplest."""

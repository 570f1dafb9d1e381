"""Random programs that work on all ten registers, read from the packet and written back.

Every kind of arithmetic, comparison and memory instruction in any order; no verifier has a
reason to refuse one, and none knows the numbers.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

from bpfsmt.conformance.case import Case
from bpfsmt.conformance.values import IMMEDIATES, words
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AluOp, AtomicOp, Class, JmpOp, Mode, Size
from bpfsmt.kernel.oracle import RunInput
from bpfsmt.program import Program, ProgramType, load_asm

LENGTH = 40
"""Instructions (or little groups of them) in a program."""

_REGISTERS = range(10)
_BYTES = 8 * len(_REGISTERS)
_X = 0x08
_SPILL, _SLOT = -8, -16  # the packet's address; the word that memory instructions work on

_SHIFTS = (AluOp.LSH, AluOp.RSH, AluOp.ARSH)
_DIVISIONS = (AluOp.DIV, AluOp.MOD)
_ATOMICS = (
    *(op | fetch for op in (AtomicOp.ADD, AtomicOp.OR, AtomicOp.AND, AtomicOp.XOR)
      for fetch in (0, FETCH)),
    AtomicOp.XCHG | FETCH, AtomicOp.CMPXCHG | FETCH,
)  # fmt: skip
_JUMPS = tuple(op for op in JmpOp if op not in (JmpOp.JA, JmpOp.CALL, JmpOp.EXIT, JmpOp.JCOND))


def _frame_of_program() -> tuple[Program, Program]:
    """What comes before and after: R0 to R9 from the packet, and into it again."""
    before = f"""
        r0 = 0
        r2 = *(u32 *)(r1 + 0)
        r3 = *(u32 *)(r1 + 4)
        r4 = r2
        r4 += {_BYTES}
        if r4 <= r3 goto +1
        exit
        *(u64 *)(r10 {_SPILL}) = r2
        r0 = *(u64 *)(r2 + 0)
        *(u64 *)(r10 {_SLOT}) = r0
    """ + "\n".join(f"r{n} = *(u64 *)(r2 + {8 * n})" for n in (1, *range(3, 10), 2))
    kept = -24  # R1, while it holds the packet's address
    after = f"""
        *(u64 *)(r10 {kept}) = r1
        r1 = *(u64 *)(r10 {_SPILL})
    """ + "\n".join(f"*(u64 *)(r1 + {8 * n}) = r{n}" for n in (0, *range(2, 10)))
    after += f"""
        r2 = *(u64 *)(r10 {kept})
        *(u64 *)(r1 + 8) = r2
        exit
    """
    return load_asm(before, "before"), load_asm(after, "after")


def straight_cases(numbers: Iterable[int], inputs: int, seed: int) -> Iterator[Case]:
    """The programs of these numbers, each on so many packets; the same for the same seed."""
    before, after = _frame_of_program()
    for number in numbers:
        rng = random.Random(f"straight {seed} {number}")
        body: list[Instruction] = []
        for _ in range(LENGTH):
            body += rng.choices((_alu, _branch, _memory), (70, 15, 15))[0](rng)
        slots = (*before.slots, *body, *after.slots)
        program = Program("straight", ProgramType.XDP, slots)
        packets = tuple(RunInput(words(rng, len(_REGISTERS))) for _ in range(inputs))
        frame = len(before), len(after)
        yield Case("random", f"straight {seed}.{number}", program, packets, frame)


def _alu(rng: random.Random) -> list[Instruction]:
    """Any arithmetic instruction."""
    cls, dst = rng.choice((Class.ALU, Class.ALU64)), rng.choice(_REGISTERS)
    op = rng.choice(list(AluOp))
    if op is AluOp.NEG:
        return [Instruction(cls | op, dst)]
    if op is AluOp.END:
        order = rng.choice((0, _X)) if cls is Class.ALU else 0
        return [Instruction(cls | op | order, dst, imm=rng.choice((16, 32, 64)))]
    offset = rng.choice((0, 1)) if op in _DIVISIONS else 0
    if rng.random() < 0.5:
        if op is AluOp.MOV:
            offset = rng.choice((0, 8, 16, 32) if cls is Class.ALU64 else (0, 8, 16))
        return [Instruction(cls | op | _X, dst, rng.choice(_REGISTERS), offset)]
    return [Instruction(cls | op, dst, 0, offset, _immediate(rng, cls, op))]


def _immediate(rng: random.Random, cls: Class, op: AluOp) -> int:
    """One that the operation admits."""
    if op in _SHIFTS:
        return rng.randrange(64 if cls is Class.ALU64 else 32)
    imm = rng.choice((*IMMEDIATES, rng.randrange(-(1 << 31), 1 << 31)))
    return imm or 3 if op in _DIVISIONS else imm


def _branch(rng: random.Random) -> list[Instruction]:
    """A comparison that may jump over an arithmetic instruction."""
    opcode = rng.choice((Class.JMP, Class.JMP32)) | rng.choice(_JUMPS)
    dst = rng.choice(_REGISTERS)
    if rng.random() < 0.5:
        return [Instruction(opcode | _X, dst, rng.choice(_REGISTERS), 1), *_alu(rng)]
    return [Instruction(opcode, dst, 0, 1, rng.choice(IMMEDIATES)), *_alu(rng)]


def _memory(rng: random.Random) -> list[Instruction]:
    """A number goes to the stack, is changed there, and comes back."""
    size, access = rng.choice((Size.W, Size.DW)), rng.choice(list(Size))
    store = Instruction(Class.STX | Mode.MEM | rng.choice(list(Size)), 10,
                        rng.choice(_REGISTERS), _SLOT)  # fmt: skip
    change = Instruction(Class.STX | Mode.ATOMIC | size, 10, rng.choice(_REGISTERS), _SLOT,
                         rng.choice(_ATOMICS))  # fmt: skip
    mode = Mode.MEM if access is Size.DW else rng.choice((Mode.MEM, Mode.MEMSX))
    load = Instruction(Class.LDX | mode | access, rng.choice(_REGISTERS), 10, _SLOT)
    return [store, change, load]

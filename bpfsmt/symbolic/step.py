"""What one instruction does to a symbolic state: the arms it may take, and what goes wrong.

The meaning of arithmetic and compares comes from `bpfsmt.semantics`; what is added here is
that pointers stay pointers under addition and subtraction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import z3

from bpfsmt.errors import UnsupportedError
from bpfsmt.isa.helper_ids import TAIL_CALL
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AluOp, AtomicOp, CallSrc, Class, JmpOp, LdImm64Src, Mode
from bpfsmt.program.program import Program
from bpfsmt.semantics.alu import (
    alu_meaning,
    atomic_meaning,
    cmpxchg_meaning,
    immediate,
    jmp_meaning,
    load_sext,
)
from bpfsmt.symbolic.calls import call_helper, other_program
from bpfsmt.symbolic.memory import Access
from bpfsmt.symbolic.state import SymFrame, SymState
from bpfsmt.symbolic.values import (
    BIAS,
    CTX,
    FALSE,
    TRUE,
    UNINIT,
    Alt,
    Region,
    Term,
    Value,
    combine,
    conj,
    const_of,
    disj,
    neg,
    number,
    pointer,
)


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One way that execution goes on: under ``guard`` to ``state`` at ``pc``.

    ``kind`` is as in `bpfsmt.domain.analysis.Edge`, or "exit" (then ``pc`` is -1).
    """

    kind: str
    pc: int
    guard: Term
    state: SymState


@dataclass(frozen=True, slots=True, eq=False)
class Stepped:
    """All arms of one instruction; ``wrong`` pairs conditions with what goes wrong under
    them, ``assumed`` is what the environment promises (of helper results, say)."""

    arms: tuple[Arm, ...]
    wrong: tuple[tuple[Term, str], ...]
    assumed: tuple[Term, ...] = ()


def step(program: Program, pc: int, state: SymState, place: str) -> Stepped:
    """The arms of the instruction at ``pc``; ``place`` makes names of fresh inputs unique.

    Raises `UnsupportedError` for what is not modelled.
    """
    return _Step(program, pc, state, place).run()


class _Step:
    def __init__(self, program: Program, pc: int, state: SymState, place: str) -> None:
        self.program, self.pc, self.state, self.place = program, pc, state, place
        self.insn = program[pc]
        self.access = Access(program, place)

    def run(self) -> Stepped:
        arms = self.arms()
        return Stepped(arms, tuple(self.access.wrong), tuple(self.access.assumed))

    def arms(self) -> tuple[Arm, ...]:
        insn = self.insn
        if insn.is_alu:
            return self.next(self.state.with_reg(insn.dst, self.alu()))
        if insn.cls is Class.LD:
            return self.ld_imm64()
        if insn.cls is Class.LDX:
            return self.next(self.state.with_reg(insn.dst, self.load()))
        if insn.cls in (Class.ST, Class.STX):
            if insn.cls is Class.STX and insn.mode is Mode.ATOMIC:
                return self.next(self.atomic())
            value = self.reg(insn.src) if insn.cls is Class.STX else number(immediate(insn))
            address = self.address(self.reg(insn.dst))
            return self.next(self.access.store(self.state, address, insn.size.bytes, value))
        return self.jump()

    def next(self, state: SymState) -> tuple[Arm, ...]:
        return (Arm("next", self.pc + self.insn.slots, TRUE, state),)

    def reg(self, i: int) -> Value:
        """Register ``i``, read: reading it unwritten is wrong."""
        value = self.state.regs[i]
        for alt in value.alts:
            if alt.region is UNINIT:
                self.access.fault(alt.guard, f"read of R{i}, which was never written")
        return value

    def address(self, base: Value) -> Value:
        off = self.insn.offset
        alts = (Alt(a.guard, a.region, z3.simplify(a.off + off)) for a in base.alts)
        return Value(tuple(alts)) if off else base

    # Arithmetic

    def alu(self) -> Value:
        insn = self.insn
        moves = insn.alu_op is AluOp.MOV
        dst = number(0) if moves else self.reg(insn.dst)
        register = insn.uses_reg and insn.alu_op is not AluOp.END
        src = self.reg(insn.src) if register else number(immediate(insn))
        if moves and insn.cls is Class.ALU64 and not insn.offset:
            return src
        meaning = alu_meaning(insn)
        adds = insn.cls is Class.ALU64 and insn.alu_op in (AluOp.ADD, AluOp.SUB)

        def pair(x: Alt, y: Alt) -> tuple[Region | None, Term]:
            if adds:
                if y.region is None or (x.region == y.region and insn.alu_op is AluOp.SUB):
                    keeps = x.region if y.region is None else None
                    return keeps, meaning.terms(x.off, y.off)
                if x.region is None and insn.alu_op is AluOp.ADD:
                    return y.region, meaning.terms(x.off, y.off)
            return None, meaning.terms(x.address, y.address)

        return combine(dst, src, pair)

    # Memory

    def ld_imm64(self) -> tuple[Arm, ...]:
        insn = self.insn
        if insn.mode is not Mode.IMM:
            raise UnsupportedError(f"instruction {self.pc}: legacy packet load")
        if insn.src == LdImm64Src.IMM:
            value = number(insn.imm64)
        elif insn.src == LdImm64Src.MAP_BY_FD:
            value = pointer(Region("map", (insn.imm,)))
        elif insn.src == LdImm64Src.MAP_VALUE:
            value = pointer(Region("map_value", (insn.imm, "data")), insn.next_imm)
        else:
            raise UnsupportedError(f"instruction {self.pc}: ld_imm64 with src {insn.src}")
        return self.next(self.state.with_reg(insn.dst, value))

    def load(self) -> Value:
        size = self.insn.size.bytes
        value = self.access.load(self.state, self.address(self.reg(self.insn.src)), size)
        if self.insn.mode is Mode.MEMSX:
            return number(z3.simplify(load_sext(size).terms(value.bits, value.bits)))
        return value

    def atomic(self) -> SymState:
        insn, size = self.insn, self.insn.size.bytes
        address, src = self.address(self.reg(insn.dst)), self.reg(insn.src)
        old = self.access.load(self.state, address, size)
        if insn.imm == AtomicOp.CMPXCHG | FETCH:
            new = cmpxchg_meaning(insn).terms(old.bits, self.reg(0).bits, src.bits)
            return self.access.store(self.state, address, size, number(new)).with_reg(0, old)
        new = atomic_meaning(insn).terms(old.bits, src.bits)
        state = self.access.store(self.state, address, size, number(z3.simplify(new)))
        return state.with_reg(insn.src, old) if insn.imm & FETCH else state

    # Control

    def jump(self) -> tuple[Arm, ...]:
        insn, pc = self.insn, self.pc
        if insn.jmp_op is JmpOp.JA:
            way = insn.imm if insn.cls is Class.JMP32 else insn.offset
            return (Arm("next", pc + 1 + way, TRUE, self.state),)
        if insn.jmp_op is JmpOp.EXIT:
            return self.exit()
        if insn.jmp_op is JmpOp.CALL:
            return self.call()
        # When the kernel has had enough of a may_goto loop, nobody knows.
        leaves = z3.Bool(f"leaves.{self.place}")
        taken = leaves if insn.jmp_op is JmpOp.JCOND else z3.simplify(self.condition())
        return (
            Arm("taken", pc + 1 + insn.offset, taken, self.state),
            Arm("not-taken", pc + 1, neg(taken), self.state),
        )

    def condition(self) -> Term:
        insn = self.insn
        dst = self.reg(insn.dst)
        src = self.reg(insn.src) if insn.uses_reg else number(immediate(insn))
        parts = [
            conj(x.guard, y.guard, self.compare(insn, x, y)) for x in dst.alts for y in src.alts
        ]
        return disj(*parts)

    def compare(self, insn: Instruction, x: Alt, y: Alt) -> Term:
        meaning = jmp_meaning(insn)
        if insn.cls is Class.JMP:
            if x.region is not None and x.region == y.region:
                return meaning.terms(x.off + BIAS, y.off + BIAS)
            # No pointer that a program can get hold of is null.
            if insn.jmp_op in (JmpOp.JEQ, JmpOp.JNE):
                for a, b in ((x, y), (y, x)):
                    memory = a.region is not None and a.region is not UNINIT
                    if memory and b.region is None and const_of(b.off) == 0:
                        return FALSE if insn.jmp_op is JmpOp.JEQ else TRUE
        return meaning.terms(x.address, y.address)

    def call(self) -> tuple[Arm, ...]:
        insn, state = self.insn, self.state
        if insn.src == CallSrc.LOCAL:
            callee = len(state.frames)
            junk = tuple(pointer(UNINIT, z3.BitVec(f"r{i}.{self.place}", 64)) for i in range(10))
            frame_pointer = pointer(Region("stack", (callee,)))
            regs = (junk[0], *state.regs[1:6], *junk[6:], frame_pointer)
            deeper = replace(state, frames=(*state.frames, SymFrame(regs)))
            return (Arm("call", self.pc + 1 + insn.imm, TRUE, deeper),)
        if insn.src != CallSrc.HELPER:
            raise UnsupportedError(f"instruction {self.pc}: kfunc call")
        after = call_helper(self.access, state, self.pc, insn.imm, self.reg)
        if insn.helper != TAIL_CALL or len(state.frames) == 1:
            return self.next(after)
        # If it succeeds the other program runs in place of this function, and is come back from.
        succeeds = z3.Bool(f"succeeds.{self.place}")
        (failed,) = self.next(after)
        done = other_program(self.access, after)
        return (replace(failed, guard=neg(succeeds)), self.back(done.regs[0], succeeds, done))

    def exit(self) -> tuple[Arm, ...]:
        result = self.reg(0)
        if len(self.state.frames) == 1:
            return (Arm("exit", -1, TRUE, self.state),)
        return (self.back(result, TRUE, self.state),)

    def back(self, result: Value, guard: Term, state: SymState) -> Arm:
        """To the caller, with a result."""
        *outer, _ = state.frames
        caller = outer[-1]
        junk = tuple(pointer(UNINIT, z3.BitVec(f"r{i}.{self.place}", 64)) for i in range(1, 6))
        back = replace(caller, regs=(result, *junk, *caller.regs[6:]))
        return Arm("return", -1, guard, replace(state, frames=(*outer[:-1], back)))


def start_state(program: Program) -> tuple[SymState, Term]:
    """The state in which a program starts, and what is known of its inputs.

    The packet has up to 65535 bytes; up to 252 bytes of metadata may stand before it.
    """
    junk = tuple(pointer(UNINIT, z3.BitVec(f"r{i}.start", 64)) for i in range(11))
    regs = (junk[0], pointer(CTX), *junk[2:10], pointer(Region("stack", (0,))))
    length, meta = z3.BitVec("packet.len", 64), z3.BitVec("packet.meta", 64)
    state = SymState(
        (SymFrame(regs),),
        z3.BitVecVal(0, 64),
        length,
        z3.simplify(-meta),
        z3.Array("packet", z3.BitVecSort(32), z3.BitVecSort(8)),
    )
    known = z3.And(z3.ULE(length, 0xFFFF), z3.ULE(meta, 252), meta & 3 == 0)
    return state, known

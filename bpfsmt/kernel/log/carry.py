"""What an instruction does to a state without the log saying so.

Behind an instruction the log prints the registers and slots that the instruction names.
What else the kernel changes has to be carried along: a call destroys registers, a compare
narrows copies of its operands, a helper writes to the stack.  For what will be printed a
guess is made as well, from which a state that is never printed (a pruned one) can be told,
and what Linux 6.1 does not print.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from bpfsmt.domain.links import MOST_LINKED, Place, linked, unlinked
from bpfsmt.domain.reg import ADD_CONST32, ADDED, NOT_INIT, Reg, RegType
from bpfsmt.domain.scalar import UNKNOWN, Scalar, Tnum, const
from bpfsmt.domain.state import (
    EMPTY_SLOT,
    INVALID,
    MISC,
    SLOT_SIZE,
    SPILL,
    STACK_SIZE,
    ZERO,
    Frame,
    Slot,
    State,
)
from bpfsmt.isa.helper_ids import TAIL_CALL
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AluOp, AtomicOp, Class, JmpOp, LdImm64Src, Mode
from bpfsmt.kernel.log.rules import Rules
from bpfsmt.program.program import Program
from bpfsmt.semantics.context import layout_of
from bpfsmt.semantics.prototypes import Prototype, prototype

ANY_NUMBER = Reg(RegType.SCALAR_VALUE)
PACKET_TYPES = (RegType.PTR_TO_PACKET, RegType.PTR_TO_PACKET_META)
_STALE = (*PACKET_TYPES, RegType.PTR_TO_PACKET_END)
_ARGUMENTS = range(1, 6)
_FIELDS = {
    "pkt": RegType.PTR_TO_PACKET,
    "pkt_end": RegType.PTR_TO_PACKET_END,
    "pkt_meta": RegType.PTR_TO_PACKET_META,
}


def carry(
    program: Program, state: State, pc: int, live: Mapping[int, int], *, few_links: bool
) -> State | None:
    """The state after the instruction at ``pc``, before anything printed is put in.

    Of a compare this is the state in both arms, of a call of a local function that at its
    beginning.  `None` at the end of the program.  A kernel that says which registers are
    ``live`` at each pc takes a helper's word for which memory it only reads.  One with
    ``few_links`` (not Linux 6.1) keeps only a few numbers linked.
    """
    insn = program[pc]
    match insn.cls:
        case Class.ALU | Class.ALU64:
            return state.with_reg(insn.dst, _alu(state, insn))
        case Class.LD if insn.is_ld_imm64:
            return state.with_reg(insn.dst, _constant(insn))
        case Class.LD:
            return _clobber(state, ANY_NUMBER)
        case Class.LDX:
            return state.with_reg(insn.dst, _load(program, state, insn))
        case Class.STX if insn.mode is Mode.ATOMIC:
            return _atomic(state, insn)
        case Class.ST | Class.STX:
            return _store(state, insn)
    if insn.is_call:
        return _call(program, state, pc, insn, trusting=bool(live))
    if insn.jmp_op is JmpOp.EXIT:
        return _exit(state)
    if few_links and is_conditional(insn):
        return unlinked(state, links_of(state, insn, read_later(live, state, pc))[MOST_LINKED:])
    return state


def is_conditional(insn: Instruction) -> bool:
    """A jump that compares."""
    return insn.is_jmp and insn.jmp_op not in (JmpOp.JA, JmpOp.CALL, JmpOp.EXIT, JmpOp.JCOND)


def links_of(state: State, insn: Instruction, live: Sequence[int]) -> tuple[Place, ...]:
    """The numbers that are linked to those that a jump compares, in the kernel's order."""
    operands = (insn.src, insn.dst) if insn.uses_reg else (insn.dst,)
    regs = (state.regs[n] for n in operands)
    return linked(state, [r.id for r in regs if r.type is RegType.SCALAR_VALUE], live)


def read_later(live: Mapping[int, int], state: State, pc: int) -> Sequence[int]:
    """For each frame a mask of the registers that are read from there on; () if not known."""
    return [live.get(at, -1) for at in (*state.callsites, pc)] if live else ()


def each_reg(state: State, change: Callable[[Reg], Reg], live: Sequence[int] = ()) -> State:
    """The state with ``change`` made to every register of every frame, spilled ones too.

    Of the registers of frame ``n`` only those in the mask ``live[n]``, if it is given.
    """
    frames = []
    for n, frame in enumerate(state.frames):
        mask = live[n] if live else -1
        regs = tuple(change(r) if mask >> i & 1 else r for i, r in enumerate(frame.regs))
        stack = {
            i: slot if slot.spill is None else slot._replace(spill=change(slot.spill))
            for i, slot in frame.stack.items()
        }
        frames.append(Frame(regs, stack, frame.callsite))
    return state._replace(frames=tuple(frames))


def learned(state: State, before: Reg, after: Reg, live: Sequence[int], rules: Rules) -> State:
    """What a compare that made ``before`` into ``after`` says of its copies.

    A packet pointer's range holds for all of its id (``find_good_pkt_pointers``), so does
    that a pointer is or is not NULL (``mark_ptr_or_null_regs``), and what is known of a
    number (``find_equal_scalars``, since Linux 6.12 ``sync_linked_regs``; since 6.18 of
    registers that are live, see `each_reg`).
    """
    if before.type in PACKET_TYPES and after.type is before.type:
        best = after.range
        if best <= before.range or best < 0:
            return state

        def widen(reg: Reg) -> Reg:
            same = reg.type is after.type and reg.id == after.id
            return reg._replace(range=max(reg.range, best)) if same else reg

        return each_reg(state, widen)
    if before.id and before.type.nonnull is not None and after.type is not before.type:

        def resolve(reg: Reg) -> Reg:
            same = reg.type is before.type and reg.id == before.id
            return _resolved(reg, after) if same else reg

        return each_reg(state, resolve)
    numbers = before.type is RegType.SCALAR_VALUE is after.type
    if numbers and before.id:
        return each_reg(state, lambda reg: _linked(reg, before, after, rules), live)
    return state


def _resolved(reg: Reg, after: Reg) -> Reg:
    """A copy of a pointer that was compared with NULL; a number (0) where it is NULL."""
    if after.type is RegType.SCALAR_VALUE:
        return after
    return reg._replace(type=after.type, id=after.id)


def _linked(reg: Reg, before: Reg, after: Reg, rules: Rules) -> Reg:
    """A number with the id of one that is better known now (``sync_linked_regs``)."""
    if reg.type is not RegType.SCALAR_VALUE or not reg.id or (reg.id ^ before.id) & ~ADDED:
        return reg
    if reg.off == before.off:
        return after if after.is_const else reg._replace(scalar=after.scalar)
    # The kernel does this even if it learnt nothing, and then may know less than before.
    narrow = bool((reg.id | before.id) & ADD_CONST32)
    scalar = rules.sync_linked(reg.scalar, after.scalar, reg.off, before.off, narrow)
    return reg._replace(scalar=scalar)


# Arithmetic and loads: guesses


def _alu(state: State, insn: Instruction) -> Reg:
    wide = insn.cls is Class.ALU64
    dst = state.regs[insn.dst]
    src = state.regs[insn.src] if insn.uses_reg else Reg(RegType.SCALAR_VALUE, const(insn.imm))
    if insn.alu_op is AluOp.MOV:
        if wide and not insn.offset:
            return src
        exact = not insn.uses_reg
        return Reg(RegType.SCALAR_VALUE, const(insn.imm & 0xFFFFFFFF)) if exact else _number(4)
    if not wide:
        link = ADD_CONST32 if insn.alu_op in (AluOp.ADD, AluOp.SUB) else 0
        return _number(4)._replace(id=link)
    if insn.alu_op not in (AluOp.ADD, AluOp.SUB):
        return ANY_NUMBER
    if insn.alu_op is AluOp.ADD and src.is_pointer and not dst.is_pointer:
        dst, src = src, dst
    if not dst.is_pointer or src.is_pointer:
        return ANY_NUMBER
    if not src.is_const:
        return dst._replace(scalar=UNKNOWN, range=0, id=0)
    step = src.scalar.smin
    return dst._replace(off=dst.off + (step if insn.alu_op is AluOp.ADD else -step))


def _number(size: int) -> Reg:
    """Any number of so many bytes."""
    if size == SLOT_SIZE:
        return ANY_NUMBER
    top = (1 << 8 * size) - 1
    low: tuple[int, ...] = (0, top, 0, top) if size < 4 else UNKNOWN[5:]
    return Reg(RegType.SCALAR_VALUE, Scalar(Tnum(0, top), 0, top, 0, top, *low))


def _constant(insn: Instruction) -> Reg:
    if insn.src == LdImm64Src.MAP_BY_FD:
        return Reg(RegType.CONST_PTR_TO_MAP, const(0), map=insn.imm)
    if insn.src == LdImm64Src.MAP_VALUE:
        off = insn.next_imm & 0xFFFFFFFF
        return Reg(RegType.PTR_TO_MAP_VALUE, const(0), off=off, map=insn.imm)
    return Reg(RegType.SCALAR_VALUE, const(insn.imm64))


def _load(program: Program, state: State, insn: Instruction) -> Reg:
    ptr, size = state.regs[insn.src], insn.size.bytes
    if insn.mode is Mode.MEMSX:
        return ANY_NUMBER
    if ptr.type is RegType.PTR_TO_CTX and ptr.is_const:
        field = layout_of(program.type).access(insn.offset, size, write=False)
        type_ = _FIELDS.get(field.kind) if field else None
        return Reg(type_, const(0)) if type_ else _number(size)
    where = stack_place(ptr, insn.offset)
    if where is not None and size == SLOT_SIZE:
        slot = _slot(state, ptr.frame, where)
        if slot.spill is not None and slot.kinds == SPILL * SLOT_SIZE:
            return slot.spill
    return _number(size)


# The stack


def stack_place(ptr: Reg, off: int) -> int | None:
    """The offset from its frame's end where a stack pointer plus ``off`` points, if known."""
    if ptr.type is not RegType.PTR_TO_STACK or not ptr.is_const:
        return None
    where = ptr.off + ptr.scalar.smin + off
    return where if -STACK_SIZE <= where < 0 else None


def _slot(state: State, frame: int, where: int) -> Slot:
    return state.frames[frame].stack.get((-where - 1) // SLOT_SIZE, EMPTY_SLOT)


def _store(state: State, insn: Instruction) -> State:
    """Kernel ``check_stack_write_fixed_off``, as Linux 6.12 has it."""
    ptr, size = state.regs[insn.dst], insn.size.bytes
    where = stack_place(ptr, insn.offset)
    if ptr.type is not RegType.PTR_TO_STACK:
        return state
    if where is None:
        return _smear_written(state, ptr.frame)
    number = insn.cls is Class.ST
    value = Reg(RegType.SCALAR_VALUE, const(insn.imm)) if number else state.regs[insn.src]
    index = (-where - 1) // SLOT_SIZE
    if where % SLOT_SIZE == 0 and (size == SLOT_SIZE or not value.is_pointer):
        kinds = _scrubbed(_slot(state, ptr.frame, where))[: SLOT_SIZE - size] + SPILL * size
        return state.with_slot(ptr.frame, index, Slot(kinds, value))
    kind = ZERO if value.is_const and not value.is_pointer and not value.const_value else MISC
    return _fill(state, ptr.frame, where, size, kind)


def _scrubbed(slot: Slot) -> str:
    """The bytes of a slot that no longer holds its spilled register."""
    return slot.kinds.replace(SPILL, MISC)


def _nothing_known(slot: Slot) -> str:
    """The same where none of the slot's bytes is known any more (``scrub_spilled_slot``)."""
    return "".join(kind if kind == INVALID else MISC for kind in slot.kinds)


def _fill(state: State, frame: int, where: int, size: int, kind: str) -> State:
    """The state with some stack bytes of one kind."""
    for at in range(where, where + size):
        index, j = divmod(-at - 1, SLOT_SIZE)
        kinds = _scrubbed(_slot(state, frame, at))
        state = state.with_slot(frame, index, Slot(kinds[:j] + kind + kinds[j + 1 :]))
    return state


def _smear_written(state: State, frame: int) -> State:
    """The state after a store somewhere on the stack."""
    for index, slot in state.frames[frame].stack.items():
        kinds = _scrubbed(slot).replace(ZERO, MISC)
        state = state.with_slot(frame, index, Slot(kinds))
    return state


def _smear(state: State, frame: int, where: range) -> State:
    """The state after a helper used stack bytes: it may have written any of them.

    Kernel ``check_stack_range_initialized``: nothing is left of a spilled register, and a
    byte that was never written may be used, too.
    """
    for index in {(-at - 1) // SLOT_SIZE for at in where if -STACK_SIZE <= at < 0}:
        slot = state.frames[frame].stack.get(index, EMPTY_SLOT)
        low = -SLOT_SIZE * (index + 1)
        kept = slot.kinds if slot.spill is None else _nothing_known(slot)
        kinds = "".join(
            MISC if low + SLOT_SIZE - 1 - j in where else kind for j, kind in enumerate(kept)
        )
        state = state.with_slot(frame, index, Slot(kinds))
    return state


def _atomic(state: State, insn: Instruction) -> State:
    size = insn.size.bytes
    ptr = state.regs[insn.dst]
    if ptr.type is RegType.PTR_TO_STACK:
        where = stack_place(ptr, insn.offset)
        if where is not None:
            state = _fill(state, ptr.frame, where, size, MISC)
    if not insn.imm & FETCH:
        return state
    into = 0 if insn.imm == AtomicOp.CMPXCHG | FETCH else insn.src
    return state.with_reg(into, _number(size))


# Calls


def _clobber(state: State, result: Reg) -> State:
    frame = state.frames[-1]
    regs = (result, *[NOT_INIT] * len(_ARGUMENTS), *frame.regs[6:])
    return state._replace(frames=(*state.frames[:-1], frame._replace(regs=regs)))


def _call(program: Program, state: State, pc: int, insn: Instruction, *, trusting: bool) -> State:
    if insn.calls_local:
        return _enter(state, pc)
    known = None if insn.helper is None else prototype(program.type, insn.helper)
    if known is None:
        return _clobber(state, ANY_NUMBER)
    result = ANY_NUMBER
    if known.result in ("map_value?", "map_value"):
        type_ = RegType.PTR_TO_MAP_VALUE_OR_NULL
        result = Reg(type_, const(0), map=state.regs[1].map)
    state = _memory(program, state, known, trusting)
    if known.changes_packet and not (trusting and insn.imm == TAIL_CALL):
        # (A tail call that comes back here has failed, as later kernels know.)
        state = each_reg(state, lambda reg: ANY_NUMBER if reg.type in _STALE else reg)
    return _clobber(state, result)


def _memory(program: Program, state: State, helper: Prototype, trusting: bool) -> State:
    """The stack after a helper was given memory on it."""
    regs = state.regs
    for n, kind in enumerate(helper.args, start=1):
        ptr = regs[n]
        size = _memory_size(program, regs, n, kind)
        writes = kind.startswith(("out", "inout")) or not trusting
        if ptr.type is RegType.PTR_TO_STACK and size and writes:
            low, high = ptr.off + ptr.scalar.smin, ptr.off + ptr.scalar.smax
            if high - low <= STACK_SIZE:
                state = _smear(state, ptr.frame, range(low, high + size))
    return state


def _memory_size(program: Program, regs: Sequence[Reg], n: int, kind: str) -> int:
    """How many bytes the helper is given at its argument ``n``; 0 if it is no memory."""
    name, _, size = kind.rstrip("?").replace("@", ":").partition(":")
    if size:
        return int(size)
    m = program.maps[regs[1].map] if 0 <= regs[1].map < len(program.maps) else None
    if name in ("key", "value", "out_value"):
        return 0 if m is None else m.key_size if name == "key" else m.value_size
    if name in ("mem", "inout", "out") and n + 1 < len(regs):
        return min(regs[n + 1].scalar.umax, STACK_SIZE)
    return 0


def _enter(state: State, pc: int) -> State:
    """The first instruction of a local function: a frame of its own, R1 to R5 passed on."""
    caller = state.frames[-1]
    depth = len(state.frames)
    frame_pointer = Reg(RegType.PTR_TO_STACK, const(0), frame=depth)
    passed = (NOT_INIT, *caller.regs[1:6], *[NOT_INIT] * 4, frame_pointer)
    kept = ([NOT_INIT] * 6) + list(caller.regs[6:])
    frames = (*state.frames[:-1], caller._replace(regs=tuple(kept)), Frame(passed, {}, pc))
    return state._replace(frames=frames)


def _exit(state: State) -> State | None:
    """Back in the caller with R0; nothing at the end of the main function."""
    if len(state.frames) == 1:
        return None
    caller = state.frames[-2]
    regs = (state.regs[0], *[NOT_INIT] * len(_ARGUMENTS), *caller.regs[6:])
    return state._replace(frames=(*state.frames[:-2], caller._replace(regs=regs)))


def return_from_global(state: State) -> State | None:
    """Behind the call of a global function: any number comes back; `None` if there was no call.

    The function is verified apart, so nothing is known of what it did to the packet.
    """
    if len(state.frames) == 1:
        return None
    caller = state.frames[-2]
    regs = (ANY_NUMBER, *[NOT_INIT] * len(_ARGUMENTS), *caller.regs[6:])
    frames = (*state.frames[:-2], caller._replace(regs=regs))
    back = state._replace(frames=frames)
    return each_reg(back, lambda reg: ANY_NUMBER if reg.type in _STALE else reg)

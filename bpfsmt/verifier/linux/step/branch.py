"""Conditional jumps: which arms are walked, and what each one tells (``check_cond_jmp_op``)."""

from __future__ import annotations

from bpfsmt.domain import Reg, RegType, Scalar, State
from bpfsmt.domain.state import Frame
from bpfsmt.isa import Class, Instruction, JmpOp
from bpfsmt.verifier.linux.env import Env, with_regs, with_scalar
from bpfsmt.verifier.linux.links import collect, narrow_linked
from bpfsmt.verifier.linux.refs import drop_reference
from bpfsmt.verifier.linux.step.packet import PACKET_POINTERS, at_end, compare_packet
from bpfsmt.verifier.linux.walk import Step, Walk
from bpfsmt.verifier.step.branch import FAILS, HOLDS, Condition

_NUMBER = RegType.SCALAR_VALUE
_FLIPPED = {
    JmpOp.JEQ: JmpOp.JEQ, JmpOp.JNE: JmpOp.JNE, JmpOp.JSET: JmpOp.JSET,
    JmpOp.JGT: JmpOp.JLT, JmpOp.JLT: JmpOp.JGT, JmpOp.JGE: JmpOp.JLE, JmpOp.JLE: JmpOp.JGE,
    JmpOp.JSGT: JmpOp.JSLT, JmpOp.JSLT: JmpOp.JSGT, JmpOp.JSGE: JmpOp.JSLE,
    JmpOp.JSLE: JmpOp.JSGE,
}  # fmt: skip
_ASKED = ("eq", "ult", "ule", "slt", "sle", "set")
_TAKEN = {(w, c): f"taken{64 if w else 32}_{c}" for w in (True, False) for c in _ASKED}
_DECIDES = {True: "decides64", False: "decides32"}
_REFINE = {
    (w, c): f"refine{64 if w else 32}_{c}" for w in (True, False) for c in (*_ASKED, "ne", "nset")
}
_STRICT = ("ult", "slt")
_NOT_NULL = frozenset(
    {
        RegType.PTR_TO_SOCKET,
        RegType.PTR_TO_TCP_SOCK,
        RegType.PTR_TO_MAP_VALUE,
        RegType.PTR_TO_MAP_KEY,
        RegType.PTR_TO_SOCK_COMMON,
        RegType.PTR_TO_MEM,
        RegType.RINGBUF_MEM,
        RegType.RDONLY_MEM,
        RegType.CONST_PTR_TO_MAP,
    }
)


def branch(env: Env, insn: Instruction, pc: int) -> Step:
    """Go one way, the one that falls through if both are possible; keep the other."""
    n, m, wide, op = insn.dst, insn.src, insn.cls is Class.JMP, insn.jmp_op
    immediate = None if insn.uses_reg else env.number(insn.imm)
    target = pc + 1 + insn.offset

    def run(w: Walk) -> int:
        a = w.read(n)
        b = w.read(m) if immediate is None else immediate
        numbers = a.type is _NUMBER and b.type is _NUMBER
        if not numbers:
            _note_stack(w, insn, a, b)
        decided = _decide(w, op, a, b, wide)
        if decided >= 0:
            if a.type is _NUMBER:
                w.precise(n)
            if immediate is None and b.type is _NUMBER:
                w.precise(m)
            w.never(pc + 1 if decided else target, "not-taken" if decided else "taken")
            w.path.kind = "taken" if decided else "not-taken"
            return target if decided else pc + 1
        fallen, taken = _both(w, insn, pc, a, b, wide)
        w.push(taken, target, "taken")
        w.path.state = fallen
        w.path.kind = "not-taken"
        return pc + 1

    return run


def _both(w: Walk, insn: Instruction, pc: int, a: Reg, b: Reg, wide: bool) -> tuple[State, State]:
    """The states where the condition fails and where it holds."""
    ids = b.id if insn.uses_reg and b.type is _NUMBER else 0, a.id if a.type is _NUMBER else 0
    linked = collect(w, pc, *ids) if any(ids) else ()
    state = w.path.state
    if len(linked) > 1 and w.env.policy.links_tracked:
        w.note_past(linked=linked)
    if linked:  # what was compared may be linked no more
        a = state.frames[-1].regs[insn.dst]
        b = state.frames[-1].regs[insn.src] if insn.uses_reg else b
    if a.is_pointer or b.is_pointer:
        return _pointers(w, insn, a, b, state) if wide else (state, state)
    fallen, used = _refine(w, state, insn, FAILS[insn.jmp_op], a, b, wide)
    if not insn.uses_reg:
        b = with_scalar(b, w.env.ints.other_arm(b.scalar, used))
    taken, _ = _refine(w, state, insn, HOLDS[insn.jmp_op], a, b, wide)
    if linked:
        taken = narrow_linked(w, taken, insn, linked)
        fallen = narrow_linked(w, fallen, insn, linked)
    return fallen, taken


def _note_stack(w: Walk, insn: Instruction, a: Reg, b: Reg) -> None:
    operands = (a.type is RegType.PTR_TO_STACK) + 2 * (
        insn.uses_reg and b.type is RegType.PTR_TO_STACK
    )
    if operands:
        w.note_past(stack_operands=operands)


def _known(reg: Reg, wide: bool) -> bool:
    """Kernel ``is_reg_const``."""
    mask = reg.scalar.var_off.mask
    return reg.type is RegType.SCALAR_VALUE and (mask if wide else mask & 0xFFFFFFFF) == 0


def _decide(w: Walk, op: JmpOp, a: Reg, b: Reg, wide: bool) -> int:
    """1 if the jump is always taken, 0 if never, -1 if it depends (``is_branch_taken``)."""
    if a.type is _NUMBER and b.type is _NUMBER:
        return _compared(w, op, a, b, wide)
    if wide and a.type in PACKET_POINTERS and b.type in PACKET_POINTERS:
        return at_end(w.env.ints, op, a, b)
    if not _known(b, wide):
        op, a, b = _FLIPPED[op], b, a
    if not _known(b, wide) or a.type not in _NOT_NULL:
        return -1
    if b.scalar.var_off.value & (0xFFFFFFFFFFFFFFFF if wide else 0xFFFFFFFF):
        return -1
    return {JmpOp.JEQ: 0, JmpOp.JNE: 1}.get(op, -1)


def _compared(w: Walk, op: JmpOp, a: Reg, b: Reg, wide: bool) -> int:
    """The same of two numbers (``is_scalar_branch_taken``)."""
    name, swapped = HOLDS[op]
    left, right = (b.scalar, a.scalar) if swapped else (a.scalar, b.scalar)
    asked = "eq" if name == "ne" else name
    if not getattr(w.env.ints, _DECIDES[wide])(a.scalar, b.scalar):
        return -1
    answer: int = getattr(w.env.ints, _TAKEN[wide, asked])(left, right)
    return 1 - answer if name == "ne" and answer >= 0 else answer


def _refine(
    w: Walk, state: State, insn: Instruction, c: Condition, a: Reg, b: Reg, wide: bool
) -> tuple[State, Scalar]:
    """The state where the condition holds of two numbers, and what the second one is there."""
    ints = w.env.ints
    same = insn.uses_reg and insn.src == insn.dst
    if same and c.name in _STRICT:
        below = getattr(ints, f"below{64 if wide else 32}_{c.name}")
        left = right = ints.of_itself(a.scalar, *below(a.scalar, a.scalar), False)
    else:
        rule = getattr(ints, _REFINE[wide, c.name])
        if same:
            left = right = ints.of_itself(a.scalar, *rule(a.scalar, a.scalar), True)
        elif c.swapped:
            right, left = rule(b.scalar, a.scalar)
        else:
            left, right = rule(a.scalar, b.scalar)
    regs = list(state.frames[-1].regs)
    if insn.uses_reg:
        regs[insn.src] = with_scalar(b, ints.checked(right))
    regs[insn.dst] = with_scalar(a, ints.checked(left))
    return with_regs(state, tuple(regs)), right


def _pointers(w: Walk, insn: Instruction, a: Reg, b: Reg, state: State) -> tuple[State, State]:
    """What a compare tells of pointers: the states where it fails and where it holds."""
    fallen = taken = state
    op = insn.jmp_op
    equality = op in (JmpOp.JEQ, JmpOp.JNE)
    if insn.uses_reg and a.is_pointer and b.is_pointer and equality:
        nullable = a.type.nonnull is not None, b.type.nonnull is not None
        if nullable[0] != nullable[1]:
            number, reg = (insn.dst, a) if nullable[0] else (insn.src, b)
            equal = state.with_reg(number, not_null(w, reg))
            return (fallen, equal) if op is JmpOp.JEQ else (equal, taken)
    if not insn.uses_reg and insn.imm == 0 and equality and a.type.nonnull is not None:
        null, other = resolve_null(w, state, a, True), resolve_null(w, state, a, False)
        return (other, null) if op is JmpOp.JEQ else (null, other)
    if insn.uses_reg:
        return compare_packet(w, insn, a, b, state)
    return fallen, taken


def not_null(w: Walk, reg: Reg) -> Reg:
    """The pointer once it is known not to be NULL (``mark_ptr_not_null_reg``)."""
    if reg.type is RegType.PTR_TO_MAP_VALUE_OR_NULL:
        m = w.env.maps[reg.map]
        if reg.map in w.env.inner:
            return reg._replace(type=RegType.CONST_PTR_TO_MAP, map=w.env.inner[reg.map])
        if m.type == "xskmap":
            return reg._replace(type=RegType.PTR_TO_XDP_SOCK, map=-1)
        if m.type in ("sockmap", "sockhash"):
            return reg._replace(type=RegType.PTR_TO_SOCKET, map=-1)
        return reg._replace(type=RegType.PTR_TO_MAP_VALUE)
    assert reg.type.nonnull is not None
    return reg._replace(type=reg.type.nonnull)


def resolve_null(w: Walk, state: State, pointer: Reg, is_null: bool) -> State:
    """Every copy of a pointer is NULL, or none is (``mark_ptr_or_null_regs``)."""
    if pointer.ref and pointer.ref == pointer.id and is_null:
        state = drop_reference(state, pointer.ref)
    id_, zero = pointer.id, w.env.number(0)

    def resolve(reg: Reg) -> Reg:
        if reg.id != id_ or reg.type.nonnull is None:
            return reg
        if is_null:
            return zero
        kept = not_null(w, reg)
        keeps_id = kept.type is RegType.PTR_TO_MAP_VALUE and has_lock(w, kept.map)
        return kept if keeps_id else kept._replace(id=0)

    return map_state(state, resolve)


def has_lock(w: Walk, index: int) -> bool:
    """Whether the map's values contain a spin lock."""
    return any(name == "bpf_spin_lock" for name, _, _ in w.env.maps[index].fields)


def map_state(state: State, change: object) -> State:
    """The state with ``change`` made to every register and spilled slot of every frame."""
    assert callable(change)
    frames = []
    for frame in state.frames:
        regs = tuple([change(reg) for reg in frame.regs])
        stack = frame.stack
        spilled = {
            i: slot._replace(spill=new)
            for i, slot in stack.items()
            if slot.spill is not None and (new := change(slot.spill)) is not slot.spill
        }
        frames.append(Frame(regs, {**stack, **spilled} if spilled else stack, frame.callsite))
    return state._replace(frames=tuple(frames))

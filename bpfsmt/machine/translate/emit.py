"""One instruction after the other as lines of Python, with what is known of the registers.

Arithmetic, compares, sign extension and atomics are `bpfsmt.semantics` written in place.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from bpfsmt.bits.inline import Operand, inline, number
from bpfsmt.cfg import registers
from bpfsmt.isa.helper_ids import HELPER_IDS, TAIL_CALL
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import FETCH, AluOp, AtomicOp, CallSrc, Class, JmpOp, LdImm64Src, Mode
from bpfsmt.machine.code import function_address
from bpfsmt.machine.machine import STACK_SIZE
from bpfsmt.machine.translate.facts import (
    CTX,
    ELSEWHERE,
    MAP,
    PACKET,
    PACKET_SPACE,
    STACK,
    U64,
    UNKNOWN,
    UNWRITTEN,
    Fact,
    constant,
    exact,
    operand,
)
from bpfsmt.program.maptypes import MAPS_OF_MAPS
from bpfsmt.program.program import Program
from bpfsmt.semantics.alu import (
    alu_meaning,
    atomic_meaning,
    cmpxchg_meaning,
    immediate,
    jmp_meaning,
    load_sext,
)
from bpfsmt.semantics.context import LAYOUTS
from bpfsmt.semantics.loops import leaves, one_less

LOOKUP = HELPER_IDS["bpf_map_lookup_elem"]
_ROUNDS = Operand("left", 0, U64)
_POINTERS = {"pkt": "pd", "pkt_end": "pe", "pkt_meta": "pm"}
_GIVES_POINTER = frozenset(
    HELPER_IDS[f"bpf_{name}"]
    for name in ("map_lookup_elem", "map_lookup_percpu_elem", "ringbuf_reserve")
)


class Line(NamedTuple):
    """One line of the function: how deep, what, and for which instruction.

    ``steps`` is how many instructions have run since the last jump, this one included.
    ``refresh`` says that the line is needed only where the packet is accessed directly.
    """

    depth: int
    text: str
    pc: int
    steps: int
    refresh: bool = False


class HelperKinds(NamedTuple):
    """Helpers, by number, that leave the packet where it is, and those that at most move it.

    All others may do anything: run a function of the program, for example.  ``arity`` is
    how many arguments those of the first two kinds look at.
    """

    still: frozenset[int]
    moving: frozenset[int]
    arity: Mapping[int, int]


class Emitter:
    """Writes the lines of one path through a function."""

    def __init__(self, program: Program, kinds: HelperKinds, lines: list[Line]) -> None:
        self.program = program
        self.layout = LAYOUTS.get(program.type)
        self.kinds = kinds
        self.lines = lines
        self.facts: list[Fact] = [UNKNOWN] * 11
        self.depth = 0
        self.pc = 0
        self.count = 0

    def line(self, text: str, *, more: int = 0, refresh: bool = False) -> None:
        """One more line, ``more`` levels deeper than the path is."""
        self.lines.append(Line(self.depth + more, text, self.pc, self.count, refresh))

    # Registers -------------------------------------------------------------------------

    def reg(self, n: int) -> Operand:
        """The register in an expression."""
        return operand(self.facts[n], n)

    def set(self, n: int, value: Operand, base: str = "") -> None:
        """The register gets a value; a constant is remembered and not stored."""
        if value.constant is not None:
            self.facts[n] = constant(value.constant)
            return
        self.line(f"r{n} = {value.text}")
        self.facts[n] = Fact(value.low, value.high, base)

    def forget_arguments(self) -> None:
        """What a call leaves in R1..R5."""
        self.facts[1:6] = UNWRITTEN[1:6]

    def spell_out(self, live: int, wanted: list[Fact]) -> None:
        """Store what is only remembered of the live registers, unless it is ``wanted`` so."""
        for n in registers(live):
            literal = self.facts[n].literal
            if literal is not None and wanted[n].literal != literal:
                self.line(f"r{n} = {literal}")

    # Instructions ------------------------------------------------------------------------

    def step(self, pc: int, insn: Instruction) -> None:
        """An instruction that is no jump and no exit."""
        self.pc = pc
        self.count += 1
        if insn.is_alu:
            self._alu(insn)
        elif insn.is_jmp:
            if insn.jmp_op is JmpOp.CALL:
                self._call(insn)
        elif insn.is_ld_imm64:
            self._ld_imm64(insn)
        elif insn.cls is Class.LD:
            self._packet_load(insn)
        elif insn.cls is Class.LDX:
            self._load(insn)
        elif insn.mode is Mode.ATOMIC:
            self._atomic(insn)
        else:
            source = self.reg(insn.src) if insn.cls is Class.STX else number(immediate(insn))
            self._store(insn.dst, insn.offset, insn.size.bytes, source)

    def condition(self, pc: int, insn: Instruction) -> Operand:
        """Whether a branch is taken."""
        self.pc = pc
        self.count += 1
        if insn.jmp_op is JmpOp.JCOND:
            return inline(leaves, [_ROUNDS])
        source = self.reg(insn.src) if insn.uses_reg else number(immediate(insn))
        return inline(jmp_meaning(insn), [self.reg(insn.dst), source])

    def stays(self, insn: Instruction) -> None:
        """A branch is not taken: a ``may_goto`` counts that."""
        if insn.jmp_op is JmpOp.JCOND:
            self.line(f"{_ROUNDS.text} = {inline(one_less, [_ROUNDS]).text}")

    def leave(self, pc: int) -> None:
        """An exit."""
        self.pc = pc
        self.count += 1
        self.line(f"m.steps = n + {self.count}")
        self.line(f"return {self.reg(0).text}")

    def _alu(self, insn: Instruction) -> None:
        takes_register = insn.uses_reg and insn.alu_op is not AluOp.END
        dst, fact = insn.dst, self.facts[insn.dst]
        other = self.facts[insn.src] if takes_register else constant(immediate(insn))
        wide = insn.cls is Class.ALU64 and not insn.offset
        if wide and insn.alu_op is AluOp.MOV:
            if other.literal is None:
                self.line(f"r{dst} = r{insn.src}")
            self.facts[dst] = other
            return
        base = ""
        if wide and insn.alu_op in (AluOp.ADD, AluOp.SUB):
            moved = _moved(fact, other, insn.alu_op)
            if moved is not None:
                self.facts[dst] = moved
                return
            pointers = {fact.base, other.base} - {""}
            base = PACKET if pointers == {PACKET} else ELSEWHERE if pointers else ""
        source = operand(other, insn.src)
        self.set(dst, inline(alu_meaning(insn), [operand(fact, dst), source]), base)

    def _ld_imm64(self, insn: Instruction) -> None:
        dst = insn.dst
        if insn.src == LdImm64Src.IMM:
            self.facts[dst] = constant(insn.imm64)
        elif insn.src == LdImm64Src.CODE:
            self.facts[dst] = constant(function_address(self.pc + 1 + insn.imm))
        elif insn.src in (LdImm64Src.MAP_BY_FD, LdImm64Src.MAP_BY_IDX):
            self.facts[dst] = exact(MAP, insn.imm)
        elif insn.src in (LdImm64Src.MAP_VALUE, LdImm64Src.MAP_VALUE_BY_IDX):
            text = f"m.direct_address({insn.imm})"
            if insn.next_imm:
                text = f"({text} + {insn.next_imm} & {U64:#x})"
            self.set(dst, Operand(text, 0, U64), ELSEWHERE)
        else:
            self.line(f"unsupported('a 64-bit immediate of kind {insn.src}')")

    # Memory ----------------------------------------------------------------------------

    def _address(self, n: int, offset: int) -> str:
        """The name of the variable that holds the address."""
        text = self.reg(n).text
        if offset == 0 and text.isidentifier():
            return text
        self.line(f"a = {text} {'-' if offset < 0 else '+'} {abs(offset)}")
        return "a"

    def _at_stack(self, n: int, offset: int, size: int) -> int | None:
        """The index into the stack, if that is where it is."""
        fact = self.facts[n]
        at = STACK_SIZE + fact.off + offset
        return at if fact.base == STACK and 0 <= at <= STACK_SIZE - size else None

    def _loaded(self, n: int, offset: int, size: int) -> tuple[Operand, str]:
        """An expression for what a load gives, and a hint where it points."""
        known = (1 << 8 * size) - 1
        at = self._at_stack(n, offset, size)
        if at is not None:
            return Operand(_get("sk", str(at), size), 0, known), ""
        fact = self.facts[n]
        if fact.base == CTX and self.layout is not None:
            at = fact.off + offset
            found = self.layout.access(at, size, write=False)
            if found is not None and found.kind in _POINTERS:
                return Operand(_POINTERS[found.kind], *PACKET_SPACE), PACKET
            if found is not None and found.kind == "scalar":
                return Operand(_get("cd", str(found.source(at, size)), size), 0, known), ""
        # Four bytes may be a field of the context that gives a whole pointer after all.
        # Two or four may be one of a socket that gives -1 (see `bpfsmt.machine.socket`).
        most = U64 if size == 4 or (size == 2 and fact.base != PACKET) else known
        a = self._address(n, offset)
        anywhere = f"load{size}(mem, {a})"
        if fact.base not in ("", PACKET):
            return Operand(anywhere, 0, most), ""
        text = f"{_get('pk', f'{a} - pb', size)} if {_in_packet(a, size)} else {anywhere}"
        return Operand(text, 0, most), ""

    def _load(self, insn: Instruction) -> None:
        size = insn.size.bytes
        value, hint = self._loaded(insn.src, insn.offset, size)
        if insn.mode is Mode.MEM:
            self.set(insn.dst, value, hint)
            return
        self.line(f"t = {value.text}")
        loaded = value._replace(text="t")
        self.set(insn.dst, inline(load_sext(size), [number(0), loaded]))

    def _store(self, n: int, offset: int, size: int, value: Operand) -> None:
        text = _cut(value, size)
        at = self._at_stack(n, offset, size)
        if at is not None:
            self.line(_put("sk", str(at), size, text))
            return
        fact = self.facts[n]
        if fact.base == CTX and self.layout is not None:
            at = fact.off + offset
            found = self.layout.access(at, size, write=True)
            if found is not None and found.kind == "scalar" and not found.kept:
                self.line(_put("cd", str(at), size, text))
                return
        a = self._address(n, offset)
        anywhere = f"store{size}(mem, {a}, {text})"
        if fact.base not in ("", PACKET):
            self.line(anywhere)
            return
        self.line(f"if {_in_packet(a, size)}: {_put('pk', f'{a} - pb', size, text)}")
        self.line(f"else: {anywhere}")

    def _atomic(self, insn: Instruction) -> None:
        size = insn.size.bytes
        loaded, _ = self._loaded(insn.dst, insn.offset, size)
        self.line(f"t = {loaded.text}")
        old = loaded._replace(text="t")
        source = self.reg(insn.src)
        if insn.imm == AtomicOp.CMPXCHG | FETCH:
            new = inline(cmpxchg_meaning(insn), [old, self.reg(0), source])
            target: int | None = 0
        else:
            new = inline(atomic_meaning(insn), [old, source])
            target = insn.src if insn.imm & FETCH else None
        self._store(insn.dst, insn.offset, size, new)
        if target is not None:
            self.set(target, old)

    def _packet_load(self, insn: Instruction) -> None:
        where = str(insn.imm)
        if insn.mode is Mode.IND:
            where = f"{self.reg(insn.src).text} + {insn.imm}"
        self.line(f"t = m.packet_load({self.reg(6).text}, {where}, {insn.size.bytes})")
        self.line("if t is None:")
        self.line(f"m.steps = n + {self.count}", more=1)
        self.line("return 0", more=1)
        self.forget_arguments()
        self.set(0, Operand("t", 0, (1 << 8 * insn.size.bytes) - 1))

    # Calls -----------------------------------------------------------------------------

    def _call(self, insn: Instruction) -> None:
        if insn.src == CallSrc.LOCAL:
            self._function(self.pc + 1 + insn.imm)
        elif insn.src == CallSrc.HELPER:
            self._helper(insn.imm)
        else:
            self.line(f"unsupported('kernel function {insn.imm}')")
        self.forget_arguments()

    def _args(self, count: int = 5) -> str:
        return "".join(f", {self.reg(n).text}" for n in range(1, count + 1))

    def _function(self, entry: int) -> None:
        if 0 <= entry < len(self.program) and self.program.slots[entry] is not None:
            self._with_steps(lambda: self.line(f"r0 = invoke(m, f{entry}{self._args()})"))
        else:
            self.line("m.push_stack()")
            self.nowhere(entry)
        self.facts[0] = UNKNOWN

    def nowhere(self, to: int) -> None:
        """A way to where no instruction starts; the step that finds that out counts."""
        self.count += 1
        self.line(f"nowhere({to})")

    def _helper(self, helper: int) -> None:
        args = self._args(self.kinds.arity.get(helper, 5))
        call = f"r0 = h{helper}(m{args}) & {U64:#x}"
        looked_up = self._lookup() if helper == LOOKUP else None
        if looked_up is not None:
            self.line(looked_up)
        elif helper == TAIL_CALL:
            self._tail_call(call)
        elif helper in self.kinds.still:
            self.line(call)
        elif helper in self.kinds.moving:
            self.line(call)
            self._refresh()
        else:
            self.line(f"m.pc = {self.pc}")
            self._with_steps(lambda: self.line(call))
        self.facts[0] = Fact(0, U64, ELSEWHERE) if helper in _GIVES_POINTER else UNKNOWN

    def _lookup(self) -> str | None:
        """A lookup in a known map by a key on the stack needs no search for either."""
        fact = self.facts[1]
        known = fact.base == MAP and 0 <= fact.off < len(self.program.maps)
        if LOOKUP not in self.kinds.still or not known:
            return None
        definition = self.program.maps[fact.off]
        at = self._at_stack(2, 0, definition.key_size)
        if at is None or definition.type in MAPS_OF_MAPS:
            return None
        return f"r0 = look{fact.off}(mem, bytes(sk[{at}:{at + definition.key_size}]))"

    def _tail_call(self, call: str) -> None:
        self.line("try:")
        self.line(call, more=1)
        self.line("except TailCall as onward:")
        self.line(f"m.steps = n + {self.count}", more=1)
        self.line("return m.engine.chain(onward.program, g)", more=1)

    def _with_steps(self, call: Callable[[], None]) -> None:
        """A call that may run instructions, which count, and move the packet."""
        self.line(f"m.steps = n + {self.count}")
        call()
        self.line(f"n = m.steps - {self.count}")
        self._refresh()

    def _refresh(self) -> None:
        self.line("pm, pd, pe, pb = pkt.bounds", refresh=True)


def _moved(fact: Fact, other: Fact, op: AluOp) -> Fact | None:
    """An exact pointer plus or minus a constant; `None` for anything else."""
    if op is AluOp.ADD and other.base in (STACK, CTX):
        fact, other = other, fact
    if fact.base not in (STACK, CTX) or other.base or other.low != other.high:
        return None
    distance = (other.low ^ 1 << 63) - (1 << 63)
    found = fact.moved(distance if op is AluOp.ADD else -distance)
    return found if found.base else None


def _in_packet(a: str, size: int) -> str:
    return f"pm <= {a} < pe" if size == 1 else f"pm <= {a} <= pe - {size}"


def _get(data: str, at: str, size: int) -> str:
    return f"{data}[{at}]" if size == 1 else f"get{size}({data}, {at})[0]"


def _put(data: str, at: str, size: int, value: str) -> str:
    return f"{data}[{at}] = {value}" if size == 1 else f"put{size}({data}, {at}, {value})"


def _cut(value: Operand, size: int) -> str:
    """The low bytes."""
    mask = (1 << 8 * size) - 1
    if value.constant is not None:
        return str(value.constant & mask)
    return value.text if value.high <= mask else f"{value.text} & {mask:#x}"

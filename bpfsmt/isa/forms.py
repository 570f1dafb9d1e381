"""Every form of instruction that the assembler reads, and what each one builds."""

from __future__ import annotations

from collections.abc import Callable

from bpfsmt.errors import AsmError
from bpfsmt.isa.grammar import Form, Match, Parsed, Ref, form, number, tokens
from bpfsmt.isa.helper_ids import HELPER_NAMES
from bpfsmt.isa.instruction import Instruction
from bpfsmt.isa.opcodes import (
    FETCH,
    AluOp,
    AtomicOp,
    CallSrc,
    Class,
    JmpOp,
    LdImm64Src,
    Mode,
    Size,
)
from bpfsmt.isa.syntax import (
    ALU_SIGNS,
    ATOMIC_NAMES,
    ATOMIC_SIGNS,
    JMP_SIGNS,
    SIGNED_ALU_SIGNS,
    SIGNED_SIZE_NAMES,
    SIZE_NAMES,
    UNKNOWN_HELPER,
)
from bpfsmt.isa.validate import problem

X = 0x08
"""The opcode bit that says that the operand is a register."""

LD_IMM64 = 0x18

_ALU_OF_SIGN = {sign: op for op, sign in ALU_SIGNS.items()}
_SIGNED_ALU_OF_SIGN = {sign: op for op, sign in SIGNED_ALU_SIGNS.items()}
_JMP_OF_SIGN = {sign: op for op, sign in JMP_SIGNS.items()}
_SIZE_OF_NAME = {name: size for size, name in SIZE_NAMES.items()}
_SIGNED_SIZE_OF_NAME = {name: size for size, name in SIGNED_SIZE_NAMES.items()}
_ATOMIC_OF_SIGN = {sign: op for op, sign in ATOMIC_SIGNS.items()}
_ATOMIC_OF_NAME = {f"fetch_{name}": op for op, name in ATOMIC_NAMES.items()} | {
    "xchg": AtomicOp.XCHG,
    "cmpxchg": AtomicOp.CMPXCHG,
}


def parse_instruction(text: str, opcode: int | None = None) -> Parsed:
    """One instruction, and the name it refers to if there is one.

    ``opcode`` is the opcode byte that a log prints before it; it tells ``ld_imm64`` from
    a move, and must agree.  Raises `AsmError` without file and line.

    >>> parse_instruction("r0 = -7")
    (Instruction(opcode=183, dst=0, src=0, offset=0, imm=-7, next_imm=0), None)
    """
    line = tokens(text)
    for candidate in _FORMS:
        match = candidate.match(line, opcode)
        if match is None:
            continue
        insn, ref = candidate.build(match)
        wrong = problem(insn)
        if wrong is not None:
            raise AsmError(wrong)
        if opcode is not None and opcode != insn.opcode:
            raise AsmError(f"opcode ({opcode:02x}) is not that of {text!r}")
        return insn, ref
    raise AsmError(f"not an instruction: {text!r}")


# Arithmetic


def _alu_class(wide: bool) -> Class:
    return Class.ALU64 if wide else Class.ALU


def _alu_sign(m: Match) -> tuple[AluOp, int]:
    """The operation of a sign, and the offset that makes it signed."""
    if m["ALU"] in _SIGNED_ALU_OF_SIGN:
        return _SIGNED_ALU_OF_SIGN[m["ALU"]], 1
    return _ALU_OF_SIGN[m["ALU"]], 0


def _alu_reg(m: Match) -> Parsed:
    op, offset = _alu_sign(m)
    opcode = _alu_class(m.wide("DST", "SRC")) | op | X
    return Instruction(opcode, m.reg("DST"), m.reg("SRC"), offset), None


def _alu_imm(m: Match) -> Parsed:
    if m.opcode == LD_IMM64 and m["ALU"] == "=":
        return _ld_imm64(m)
    op, offset = _alu_sign(m)
    wide = m.wide("DST")
    opcode = _alu_class(wide) | op
    return Instruction(opcode, m.reg("DST"), 0, offset, m.imm("NUM", wide)), None


def _in_place(m: Match) -> int:
    """The register of an operation that exists only as ``dst = op dst``."""
    if m["DST"] != m["SRC"]:
        raise AsmError(f"{m['DST']} and {m['SRC']} must be the same register")
    return m.reg("DST")


def _neg(m: Match) -> Parsed:
    return Instruction(_alu_class(m.wide("DST")) | AluOp.NEG, _in_place(m)), None


def _swap(m: Match) -> Parsed:
    order, bits = m["SWAP"].rstrip("0123456789"), int(m["SWAP"].lstrip("belswap"))
    base = {"le": Class.ALU, "be": Class.ALU | X, "bswap": Class.ALU64}[order]
    if not m.wide("DST"):
        raise AsmError(f"a byte swap is written with r registers, not {m['DST']}")
    return Instruction(base | AluOp.END, _in_place(m), imm=bits), None


def _sign_extend(m: Match) -> Parsed:
    opcode = _alu_class(m.wide("DST", "SRC")) | AluOp.MOV | X
    if not m["SIZE"].startswith("s"):
        raise AsmError(f"no conversion to {m['SIZE']}")
    return Instruction(opcode, m.reg("DST"), m.reg("SRC"), int(m["SIZE"][1:])), None


# 64-bit constants


def _constant(
    src: LdImm64Src, imm: int, m: Match, next_imm: int = 0, ref: Ref | None = None
) -> Parsed:
    if not m.wide("DST"):
        raise AsmError(f"a 64-bit constant does not fit {m['DST']}")
    return Instruction(LD_IMM64, m.reg("DST"), src, 0, imm, next_imm), ref


def _ld_imm64(m: Match) -> Parsed:
    value = m.num("NUM")
    if not -(1 << 63) <= value < 1 << 64:
        raise AsmError(f"{m['NUM']} does not fit 64 bits")
    return _constant(LdImm64Src.IMM, _signed32(value), m, _signed32(value >> 32))


def _signed32(value: int) -> int:
    return ((value & 0xFFFFFFFF) ^ (1 << 31)) - (1 << 31)


def _map_named(m: Match) -> Parsed:
    return _constant(LdImm64Src.MAP_BY_FD, 0, m, ref=Ref("map", m["NAME"]))


def _map_value_named(m: Match) -> Parsed:
    return _constant(LdImm64Src.MAP_VALUE, 0, m, m.num("OFF"), Ref("map", m["NAME"]))


def _numbered(src: LdImm64Src, second: str = "OFF") -> Callable[[Match], Parsed]:
    return lambda m: _constant(src, m.num("NUM"), m, m.num(second))


def _code(m: Match) -> Parsed:
    distance, ref = _distance(m, "imm")
    return _constant(LdImm64Src.CODE, distance, m, ref=ref)


# Jumps and calls


def _distance(m: Match, field: str) -> tuple[int, Ref | None]:
    """A jump target: the distance, or 0 and the label from which it will come."""
    target = m["TARGET"]
    if target[0] in "+-" or target.startswith(("pc+", "pc-")):
        return number(target), None
    return 0, Ref("offset" if field == "offset" else "imm", target)


def _goto(m: Match) -> Parsed:
    distance, ref = _distance(m, "offset")
    return Instruction(Class.JMP | JmpOp.JA, offset=distance), ref


def _gotol(m: Match) -> Parsed:
    distance, ref = _distance(m, "imm")
    return Instruction(Class.JMP32 | JmpOp.JA, imm=distance), ref


def _may_goto(m: Match) -> Parsed:
    distance, ref = _distance(m, "offset")
    return Instruction(Class.JMP | JmpOp.JCOND, offset=distance), ref


def _jump_reg(m: Match) -> Parsed:
    cls = Class.JMP if m.wide("DST", "SRC") else Class.JMP32
    distance, ref = _distance(m, "offset")
    opcode = cls | _JMP_OF_SIGN[m["CMP"]] | X
    return Instruction(opcode, m.reg("DST"), m.reg("SRC"), distance), ref


def _jump_imm(m: Match) -> Parsed:
    wide = m.wide("DST")
    distance, ref = _distance(m, "offset")
    opcode = (Class.JMP if wide else Class.JMP32) | _JMP_OF_SIGN[m["CMP"]]
    return Instruction(opcode, m.reg("DST"), 0, distance, m.imm("NUM", wide)), ref


def _call(src: CallSrc, imm: int, offset: int = 0, ref: Ref | None = None) -> Parsed:
    return Instruction(Class.JMP | JmpOp.CALL, 0, src, offset, imm), ref


def _call_number(m: Match) -> Parsed:
    return _call(CallSrc.HELPER, m.num("NUM"))


def _call_target(m: Match) -> Parsed:
    distance, ref = _distance(m, "imm")
    return _call(CallSrc.LOCAL, distance, ref=ref and Ref("callee", ref.name))


def _call_kfunc(m: Match) -> Parsed:
    return _call(CallSrc.KFUNC, m.num("NUM"), m.num("MODULE"))


def _call_numbered(m: Match) -> Parsed:
    """``call name#number``: the two must agree; a log names kfuncs in the same way."""
    helper = HELPER_NAMES.get(m.num("NUM"))
    if m["NAME"] in (helper, UNKNOWN_HELPER, "bpf_unspec"):
        return _call_number(m)
    if m.opcode is not None and m["NAME"] not in HELPER_NAMES.values():
        return _call_kfunc(m)
    raise AsmError(f"helper {m['NUM']} is {helper or 'unknown'}, not {m['NAME']}")


def _exit(_: Match) -> Parsed:
    return Instruction(Class.JMP | JmpOp.EXIT), None


# Loads, stores, atomics


def _size(m: Match) -> Size:
    """The width of an access, unsigned."""
    if m["SIZE"] not in _SIZE_OF_NAME:
        raise AsmError(f"no such access as {m['SIZE']}")
    return _SIZE_OF_NAME[m["SIZE"]]


def _base(m: Match) -> int:
    if not m.wide("BASE"):
        raise AsmError(f"{m['BASE']} is no address; write r{m.reg('BASE')}")
    return m.reg("BASE")


def _value(m: Match, placeholder: str, size: Size) -> int:
    """The register loaded or stored; ``w`` is the same, for widths up to 32 bits."""
    if not m.wide(placeholder) and size is Size.DW:
        raise AsmError(f"{m[placeholder]} is no 64-bit register")
    return m.reg(placeholder)


def _load(m: Match) -> Parsed:
    signed = m["SIZE"] in _SIGNED_SIZE_OF_NAME
    size = _SIGNED_SIZE_OF_NAME[m["SIZE"]] if signed else _size(m)
    if signed and not m.wide("DST"):
        raise AsmError(f"a sign-extending load fills 64 bits; write r{m.reg('DST')}")
    opcode = Class.LDX | size | (Mode.MEMSX if signed else Mode.MEM)
    return Instruction(opcode, _value(m, "DST", size), _base(m), m.num("OFF")), None


def _store_reg(m: Match) -> Parsed:
    size = _size(m)
    opcode = Class.STX | size | Mode.MEM
    return Instruction(opcode, _base(m), _value(m, "SRC", size), m.num("OFF")), None


def _store_imm(m: Match) -> Parsed:
    size = _size(m)
    imm = m.imm("NUM", wide=size is Size.DW)
    return Instruction(Class.ST | size | Mode.MEM, _base(m), 0, m.num("OFF"), imm), None


def _packet(mode: Mode) -> Callable[[Match], Parsed]:
    def build(m: Match) -> Parsed:
        if m.reg("DST") != 0:
            raise AsmError(f"a packet load goes to r0, not {m['DST']}")
        src = _base(m) if mode is Mode.IND else 0
        imm = m.num("NUM" if "NUM" in m.tokens else "OFF")
        return Instruction(Class.LD | _size(m) | mode, 0, src, 0, imm), None

    return build


def _atomic(m: Match, imm: int, size: Size) -> Parsed:
    src = _value(m, "SRC", size)
    return Instruction(Class.STX | size | Mode.ATOMIC, _base(m), src, m.num("OFF"), imm), None


def _lock(m: Match) -> Parsed:
    if m["ALU"] not in _ATOMIC_OF_SIGN:
        raise AsmError(f"no atomic {m['ALU']}")
    return _atomic(m, _ATOMIC_OF_SIGN[m["ALU"]], _size(m))


def _fetch(m: Match) -> Parsed:
    """The old value comes back in the register that held the operand."""
    size = _typed_size(m, m["ATOMIC"])
    _in_place(m)
    return _atomic(m, _ATOMIC_OF_NAME[m["ATOMIC"].partition("_")[2]] | FETCH, size)


def _cmpxchg(m: Match) -> Parsed:
    """Both the expected and the old value are in R0."""
    return _cmpxchg_of(m, _typed_size(m, m["CMPXCHG"]))


def _xchg_llvm(m: Match) -> Parsed:
    _in_place(m)
    return _atomic(m, AtomicOp.XCHG | FETCH, Size.DW if m["XCHG_LLVM"] == "xchg_64" else Size.W)


def _cmpxchg_llvm(m: Match) -> Parsed:
    return _cmpxchg_of(m, Size.DW if m["CMPXCHG_LLVM"] == "cmpxchg_64" else Size.W)


def _cmpxchg_of(m: Match, size: Size) -> Parsed:
    m.wide("DST", "OLD", "SRC")
    if m.reg("DST") or m.reg("OLD"):
        raise AsmError("cmpxchg compares with r0 and returns in r0")
    return _atomic(m, AtomicOp.CMPXCHG | FETCH, size)


def _typed_size(m: Match, name: str) -> Size:
    """The width of the pointer, which ``atomic64_`` must not contradict.

    llvm-objdump writes ``atomic_`` for both widths.
    """
    size = _size(m)
    if name.startswith("atomic64") and size is not Size.DW:
        raise AsmError(f"{name} works on u64, not {m['SIZE']}")
    return size


_FORMS: tuple[Form, ...] = (
    form("exit", _exit),
    form("goto TARGET", _goto),
    form("gotol TARGET", _gotol),
    form("may_goto TARGET", _may_goto),
    form("if DST CMP SRC goto TARGET", _jump_reg),
    form("if DST CMP NUM goto TARGET", _jump_imm),
    form("call NUM", _call_number),
    form("call TARGET", _call_target),
    form("call kfunc#NUM", _call_kfunc),
    form("call kfunc#NUM@MODULE", _call_kfunc),
    form("call kernel-function#NUM", _call_kfunc),
    form("call NAME#NUM", _call_numbered),
    form("DST = -SRC", _neg),
    form("DST = SWAP SRC", _swap),
    form("DST = (SIZE) SRC", _sign_extend),
    form("DST ALU SRC", _alu_reg),
    form("DST ALU NUM", _alu_imm),
    form("DST = NUM ll", _ld_imm64),
    form("DST = map[NAME]", _map_named),
    form("DST = map[NAME][0] OFF", _map_value_named),
    form("DST = map[#NUM]", _numbered(LdImm64Src.MAP_BY_FD)),
    form("DST = map[#NUM][0] OFF", _numbered(LdImm64Src.MAP_VALUE)),
    form("DST = map_idx[NUM]", _numbered(LdImm64Src.MAP_BY_IDX)),
    form("DST = map_idx[NUM][0] OFF", _numbered(LdImm64Src.MAP_VALUE_BY_IDX)),
    form("DST = var[NUM]", _numbered(LdImm64Src.VARIABLE)),
    form("DST = var[NUM]@MODULE", _numbered(LdImm64Src.VARIABLE, "MODULE")),
    form("DST = func[TARGET]", _code),
    form("DST = *(SIZE *)(BASE OFF)", _load),
    form("DST = *(SIZE *)skb[NUM]", _packet(Mode.ABS)),
    form("DST = *(SIZE *)skb[BASE OFF]", _packet(Mode.IND)),
    form("DST = *(SIZE *)skb[BASE + NUM]", _packet(Mode.IND)),
    form("*(SIZE *)(BASE OFF) = SRC", _store_reg),
    form("*(SIZE *)(BASE OFF) = NUM", _store_imm),
    form("lock *(SIZE *)(BASE OFF) ALU SRC", _lock),
    form("DST = ATOMIC((SIZE *)(BASE OFF), SRC)", _fetch),
    form("DST = CMPXCHG((SIZE *)(BASE OFF), OLD, SRC)", _cmpxchg),
    form("DST = XCHG_LLVM(BASE OFF, SRC)", _xchg_llvm),
    form("DST = CMPXCHG_LLVM(BASE OFF, OLD, SRC)", _cmpxchg_llvm),
)

"""Arbitrary valid instructions, form by form, so that a test can visit every form."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from bpfsmt.isa import Instruction, Slots

S16 = st.integers(-(1 << 15), (1 << 15) - 1)
S32 = st.one_of(
    st.sampled_from([0, 1, -1, 5, 255, (1 << 31) - 1, -(1 << 31)]),
    st.integers(-(1 << 31), (1 << 31) - 1),
)
REG = st.integers(0, 10)
ZERO = st.just(0)

# These tables are written from RFC 9669 on purpose without the project's own enums.
BINARY = {
    "add": 0x00,
    "sub": 0x10,
    "mul": 0x20,
    "div": 0x30,
    "or": 0x40,
    "and": 0x50,
    "lsh": 0x60,
    "rsh": 0x70,
    "mod": 0x90,
    "xor": 0xA0,
    "mov": 0xB0,
    "arsh": 0xC0,
}
CONDITIONS = {
    "jeq": 0x10,
    "jgt": 0x20,
    "jge": 0x30,
    "jset": 0x40,
    "jne": 0x50,
    "jsgt": 0x60,
    "jsge": 0x70,
    "jlt": 0xA0,
    "jle": 0xB0,
    "jslt": 0xC0,
    "jsle": 0xD0,
}
WIDTHS = {"w": 0x00, "h": 0x08, "b": 0x10, "dw": 0x18}
ATOMICS = {"add": 0x00, "or": 0x40, "and": 0x50, "xor": 0xA0}


def build(
    opcode: int,
    dst: SearchStrategy[int] = ZERO,
    src: SearchStrategy[int] = ZERO,
    offset: SearchStrategy[int] = ZERO,
    imm: SearchStrategy[int] = ZERO,
    next_imm: SearchStrategy[int] = ZERO,
) -> SearchStrategy[Instruction]:
    return st.builds(Instruction, st.just(opcode), dst, src, offset, imm, next_imm)


def arithmetic() -> dict[str, SearchStrategy[Instruction]]:
    forms = {}
    for bits, cls in (("32", 0x04), ("64", 0x07)):
        for name, op in BINARY.items():
            forms[f"{name}{bits}-imm"] = build(op | cls, REG, imm=S32)
            forms[f"{name}{bits}-reg"] = build(op | cls | 0x08, REG, REG)
        for name in ("div", "mod"):
            op = BINARY[name] | cls
            forms[f"s{name}{bits}-imm"] = build(op, REG, offset=st.just(1), imm=S32)
            forms[f"s{name}{bits}-reg"] = build(op | 0x08, REG, REG, st.just(1))
        extensions = st.sampled_from([8, 16] if bits == "32" else [8, 16, 32])
        forms[f"movsx{bits}"] = build(0xB8 | cls, REG, REG, extensions)
        forms[f"neg{bits}"] = build(0x80 | cls, REG)
    swaps = st.sampled_from([16, 32, 64])
    for name, opcode in (("le", 0xD4), ("be", 0xDC), ("bswap", 0xD7)):
        forms[name] = build(opcode, REG, imm=swaps)
    return forms


def jumps() -> dict[str, SearchStrategy[Instruction]]:
    forms = {
        "goto": build(0x05, offset=S16),
        "gotol": build(0x06, imm=S32),
        "may_goto": build(0xE5, offset=S16),
        "exit": build(0x95),
        "call-helper": build(0x85, imm=st.one_of(st.integers(1, 211), S32)),
        "call-local": build(0x85, src=st.just(1), imm=S32),
        "call-kfunc": build(0x85, src=st.just(2), offset=st.one_of(ZERO, S16), imm=S32),
    }
    for bits, cls in (("64", 0x05), ("32", 0x06)):
        for name, op in CONDITIONS.items():
            forms[f"{name}{bits}-imm"] = build(op | cls, REG, offset=S16, imm=S32)
            forms[f"{name}{bits}-reg"] = build(op | cls | 0x08, REG, REG, S16)
    return forms


def memory() -> dict[str, SearchStrategy[Instruction]]:
    forms = {}
    for name, width in WIDTHS.items():
        forms[f"ldx-{name}"] = build(0x61 | width, REG, REG, S16)
        forms[f"stx-{name}"] = build(0x63 | width, REG, REG, S16)
        forms[f"st-{name}"] = build(0x62 | width, REG, offset=S16, imm=S32)
        if name != "dw":
            forms[f"ldsx-{name}"] = build(0x81 | width, REG, REG, S16)
            forms[f"abs-{name}"] = build(0x20 | width, imm=S32)
            forms[f"ind-{name}"] = build(0x40 | width, src=REG, imm=S32)
        if name in ("w", "dw"):
            imms = {f"{op}": imm for op, imm in ATOMICS.items()}
            imms |= {f"fetch-{op}": imm | 1 for op, imm in ATOMICS.items()}
            imms |= {"xchg": 0xE1, "cmpxchg": 0xF1}
            for op, imm in imms.items():
                forms[f"atomic-{name}-{op}"] = build(0xC3 | width, REG, REG, S16, st.just(imm))
    for name, src, next_imm in (
        ("imm", 0, S32),
        ("map", 1, ZERO),
        ("map-value", 2, S32),
        ("variable", 3, st.one_of(ZERO, S32)),
        ("code", 4, ZERO),
        ("map-idx", 5, ZERO),
        ("map-value-idx", 6, S32),
    ):
        forms[f"ld_imm64-{name}"] = build(0x18, REG, st.just(src), imm=S32, next_imm=next_imm)
    return forms


FORMS: dict[str, SearchStrategy[Instruction]] = arithmetic() | jumps() | memory()
"""One strategy for each form of instruction that RFC 9669 knows, and Linux's may_goto."""


def instructions() -> SearchStrategy[Instruction]:
    """Any valid instruction; each form is as likely as any other."""
    return st.sampled_from(sorted(FORMS)).flatmap(lambda name: FORMS[name])


def with_second_slots(insns: list[Instruction]) -> Slots:
    """The instructions by slot, `None` behind each ``ld_imm64``."""
    return tuple(slot for insn in insns for slot in (insn, None)[: insn.slots])


def programs(max_size: int = 12) -> SearchStrategy[Slots]:
    """Any list of valid instructions, by slot; jumps go anywhere."""
    return st.lists(instructions(), max_size=max_size).map(with_second_slots)

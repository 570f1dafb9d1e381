"""The assembler: dialects, names, directives, and one clear line for each mistake."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bpfsmt.errors import AsmError
from bpfsmt.isa import (
    AsmUnit,
    CallSrc,
    Directive,
    Instruction,
    LdImm64Src,
    MapDirective,
    Slots,
    assemble,
    encode,
    to_asm,
)

from .strategies import programs

TEXT = """
.title "a; title // with # signs"
.type xdp
.license "Dual BSD/GPL"
.map outer type=hash_of_maps key=4 value=4 entries=0x10 flags=1 inner=counts
.map counts type=array key=4 value=8 entries=2
.map .rodata type=array key=4 value=4 entries=1 frozen data=0a0b0c0d
.expect reject at 7 "R1 is a \\"scalar\\""
# a whole line
.func main
    r1 = map[counts]            ; the map itself
    r2 = map[.rodata][0]+2      // and a value
    call helper
    if r0 != 0 goto out
    gotol out
    may_goto out
    r3 = func[helper]
out: exit
.func helper
    call bpf_ktime_get_ns
    goto inner
inner:
    exit
"""


def insn(text: str) -> Instruction:
    first = assemble(text).slots[0]
    assert first is not None
    return first


def test_a_whole_text() -> None:
    unit = assemble(TEXT)
    assert unit.type == "xdp"
    assert unit.license == "Dual BSD/GPL"
    assert unit.functions == {0: "main", 11: "helper"}
    assert unit.slots[0] == Instruction(0x18, 1, LdImm64Src.MAP_BY_FD, imm=1)
    assert unit.slots[1] is None
    assert unit.slots[2] == Instruction(0x18, 2, LdImm64Src.MAP_VALUE, imm=2, next_imm=2)
    assert unit.slots[4] == Instruction(0x85, src=CallSrc.LOCAL, imm=6)
    assert unit.slots[5] == Instruction(0x55, 0, offset=4)
    assert unit.slots[6] == Instruction(0x06, imm=3)
    assert unit.slots[7] == Instruction(0xE5, offset=2)
    assert unit.slots[8] == Instruction(0x18, 3, LdImm64Src.CODE, imm=2)
    assert unit.slots[11] == Instruction(0x85, imm=5)
    assert unit.slots[12] == Instruction(0x05, offset=0)
    assert unit.source[2] == "r2 = map[.rodata][0]+2"
    assert unit.lines[2] == TEXT.split("\n").index(f"    {unit.source[2]}      // and a value") + 1
    assert unit.maps == (
        MapDirective("outer", "hash_of_maps", 4, 4, 16, 1, inner="counts"),
        MapDirective("counts", "array", 4, 8, 2),
        MapDirective(".rodata", "array", 4, 4, 1, data=b"\x0a\x0b\x0c\x0d", frozen=True),
    )
    assert unit.directives == (
        Directive("title", ("a; title // with # signs",)),
        Directive("expect", ("reject", "at", "7", 'R1 is a "scalar"')),
    )
    assert [directive.line for directive in unit.directives] == [2, 8]


def same(left: AsmUnit, right: AsmUnit) -> bool:
    """Equal but for where the text stood."""
    fields = ("slots", "maps", "type", "license", "functions", "directives")
    return all(getattr(left, name) == getattr(right, name) for name in fields)


def test_a_whole_text_is_written_and_read_back() -> None:
    unit = assemble(TEXT)
    written = to_asm(unit)
    assert same(assemble(written), unit)
    assert "call helper\n" in written
    assert "goto L10\n" in written
    assert "r1 = map[counts]\n" in written


@given(programs())
def test_programs_are_written_and_read_back(slots: Slots) -> None:
    assert assemble(to_asm(AsmUnit(slots))).slots == slots


WORD = st.text(st.characters(blacklist_characters="\n", blacklist_categories=["Cs"]), max_size=12)
MAP_NAMES = st.from_regex(r"[A-Za-z_.$][A-Za-z0-9_.$]{0,6}", fullmatch=True)
U32 = st.integers(0, (1 << 32) - 1)


@st.composite
def units(draw: st.DrawFn) -> AsmUnit:
    """Units as the assembler makes them: every called function has a name."""
    maps = draw(
        st.lists(
            st.builds(
                MapDirective,
                MAP_NAMES,
                st.sampled_from(["hash", "array"]),
                *[U32] * 4,
                data=st.one_of(st.none(), st.binary(max_size=6)),
                frozen=st.booleans(),
            ),
            max_size=3,
            unique_by=lambda declared: declared.name,
        )
    )
    directives = st.builds(Directive, st.sampled_from(["expect", "title"]), st.tuples(WORD, WORD))
    return AsmUnit(
        slots=draw(programs(4)),
        maps=tuple(maps),
        type=draw(st.one_of(st.none(), WORD)),
        license=draw(st.one_of(st.none(), WORD)),
        directives=tuple(draw(st.lists(directives, max_size=2))),
    )


@example(AsmUnit((), type=":", license='"\\ ;'))  # a lone colon makes no label of a directive
@given(units())
def test_units_are_written_and_read_back(unit: AsmUnit) -> None:
    first = assemble(to_asm(unit))
    assert (first.slots, first.maps, first.type) == (unit.slots, unit.maps, unit.type)
    assert (first.license, first.directives) == (unit.license, unit.directives)
    assert same(assemble(to_asm(first)), first)


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("r0=2", "r0 = 2"),
        ("\tr0   =\t0x10", "r0 = 16"),
        ("r0 = -0x10", "r0 = -16"),
        ("r1 = *(u32 *)(r1 + 4)", "r1 = *(u32 *)(r1 +4)"),
        ("w1 = *(u8 *)(r1 - 4)", "r1 = *(u8 *)(r1 -4)"),
        ("r1 = *(u8*)(r1)", "r1 = *(u8 *)(r1 +0)"),
        ("*(u32 *)(r10 - 4) = w1", "*(u32 *)(r10 -4) = r1"),
        ("*(u32 *)(r10 - 4) = 0xffffffff", "*(u32 *)(r10 -4) = -1"),
        ("w0 &= 0xfffffff0", "w0 &= -16"),
        ("if w0 > 0xfffffff0 goto +1", "if w0 > -16 goto +1"),
        ("goto +0x3 <LBB0_2>", "goto +3"),
        ("if w1 s> 5 goto +3 <LBB0_2>", "if w1 s> 5 goto +3"),
        ("if r1 < r2 goto pc-1", "if r1 < r2 goto -1"),
        ("call 1", "call bpf_map_lookup_elem#1"),
        ("call 0x1", "call bpf_map_lookup_elem"),
        ("call unknown#1", "call bpf_map_lookup_elem"),
        ("r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)", "r2 = atomic64_fetch_add((u64 *)(r1), r2)"),
        ("w0 = cmpxchg32_32(r1 + 8, w0, w2)", "w0 = atomic_cmpxchg((u32 *)(r1 +8), w0, w2)"),
        ("r0 = cmpxchg_64(r1 + 0, r0, r2)", "r0 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)"),
        ("w2 = xchg32_32(r1 + 0, w2)", "w2 = atomic_xchg((u32 *)(r1 +0), w2)"),
        ("r2 = xchg_64(r1 + 0, r2)", "r2 = atomic64_xchg((u64 *)(r1 +0), r2)"),
        ("lock *(u32 *)(r1 + 0) += w2", "lock *(u32 *)(r1 +0) += r2"),
        ("r1 = -1 ll", "r1 = 0xffffffffffffffff ll"),
        # as logs and llvm-objdump print them
        ("12: (b7) r0 = 2     ; R0_w=2", "r0 = 2"),
        ("(18) r1 = 0xffff888000000000", "r1 = 0xffff888000000000 ll"),
        ("3: (15) if r0 == 0xffffffff goto pc+2", "if r0 == -1 goto +2"),
        ("7: (85) call bpf_cpumask_create#28311", "call kfunc#28311"),
        ("7: (85) call kernel-function#12", "call kfunc#12"),
        ("       2:\tb7 00 00 00 02 00 00 00\tr0 = 2", "r0 = 2"),
        (
            "0:\t18 01 00 00 05 00 00 00 00 00 00 00 00 00 00 00\tr1 = 5 ll",
            "r1 = 0x5 ll",
        ),
        ("0000000000000010 <LBB0_2>:\n r0 = 2", "r0 = 2"),
    ],
)
def test_dialects(text: str, meaning: str) -> None:
    assert insn(text) == insn(meaning)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("r0 = 1\nr11 = 2", "t:2: unknown register r11"),
        ("r0 = r010", "t:1: unknown register r010"),
        ("r0 = 0xffffffff", "t:1: 0xffffffff does not fit a signed 32-bit immediate; for a"),
        ("if r0 == 0xffffffff goto +1", "t:1: 0xffffffff does not fit"),
        ("*(u64 *)(r1 +0) = 0x80000000", "t:1: 0x80000000 does not fit"),
        ("w0 = 0x100000000", "t:1: 0x100000000 does not fit"),
        ("r0 = -2147483649", "t:1: -2147483649 does not fit"),
        ("r0 = 0x10000000000000000 ll", "t:1: 0x10000000000000000 does not fit 64 bits"),
        ("r0 = " + "9" * 5000, "t:1: number of 5000 digits"),
        ("w0 = 5 ll", "t:1: a 64-bit constant does not fit w0"),
        ("w0 = r1", "t:1: w0 and r1 differ in width"),
        ("if w0 > r1 goto +1", "t:1: w0 and r1 differ in width"),
        ("r0 = -r1", "t:1: r0 and r1 must be the same register"),
        ("r0 = be16 r1", "t:1: r0 and r1 must be the same register"),
        ("w0 = be16 w0", "t:1: a byte swap is written with r registers, not w0"),
        ("r1 = (u8)r2", "t:1: no conversion to u8"),
        ("w1 = (s32)w2", "t:1: offset: must be 0 or 8 or 16, is 32"),
        ("r0 = *(s64 *)(r1 +0)", "t:1: no such access as s64"),
        ("w0 = *(s8 *)(r1 +0)", "t:1: a sign-extending load fills 64 bits; write r0"),
        ("w0 = *(u64 *)(r1 +0)", "t:1: w0 is no 64-bit register"),
        ("r0 = *(u8 *)(w1 +0)", "t:1: w1 is no address; write r1"),
        ("r0 = *(u8 *)(r1 +32768)", "t:1: offset: 32768 is outside -32768..32767"),
        ("r1 = *(u8 *)skb[2]", "t:1: a packet load goes to r0, not r1"),
        ("lock *(u64 *)(r1 +0) -= r2", "t:1: no atomic -="),
        ("lock *(u8 *)(r1 +0) += r2", "t:1: opcode 0xd3: atomics are 32 or 64 bits wide"),
        ("r2 = atomic64_xchg((u32 *)(r1 +0), r2)", "t:1: atomic64_xchg works on u64, not u32"),
        ("r3 = atomic_xchg((u32 *)(r1 +0), r2)", "t:1: r3 and r2 must be the same register"),
        ("r2 = atomic64_cmpxchg((u64 *)(r1 +0), r0, r2)", "t:1: cmpxchg compares with r0"),
        ("goto nowhere", "t:1: no label nowhere"),
        ("goto 3", "t:1: not an instruction: 'goto 3'"),
        ("goto +40000", "t:1: offset: 40000 is outside"),
        ("call nothing", "t:1: no function nothing, and no such helper"),
        ("call bpf_redirect#5", "t:1: helper 5 is bpf_ktime_get_ns, not bpf_redirect"),
        ("call nothing#5000", "t:1: helper 5000 is unknown, not nothing"),
        ("(07) r0 = 2", "t:1: opcode (07) is not that of 'r0 = 2'"),
        ("(85) call bpf_redirect#5", "t:1: helper 5 is bpf_ktime_get_ns, not bpf_redirect"),
        ("r0 += 1 2", "t:1: not an instruction: 'r0 += 1 2'"),
        ("r1 = map[m]", "t:1: no map m"),
        ("a:\nexit\na:", "t:3: a is there twice"),
        (".func a\nexit\n.func a\nexit", "t:3: a is there twice"),
        (".func a", "t:1: function a is empty"),
        (".func a\n.func b\nexit", "t:2: function a is empty"),
        (".func 1a\nexit", "t:1: '1a' is no name for a function"),
        (".func", "t:1: .func takes one word, not 0"),
        (".type xdp tc", "t:1: .type takes one word, not 2"),
        (".type xdp\n.type xdp", "t:2: .type is there twice"),
        (".foo", "t:1: unknown directive '.foo'"),
        ('.title "open', "t:1: No closing quotation"),
        (".map", "t:1: a map begins with its name"),
        (".map m type=hash value=4 entries=1", "t:1: map m: key= is missing"),
        (".map m type=hash key=x value=4 entries=1", "t:1: map m: key=x is no unsigned 32-bit"),
        (".map m type=hash key=4 value=4 entries=0x100000000", "t:1: map m: entries=0x100000000"),
        (".map m type=hash key=4 key=4", "t:1: map m: what is 'key=4'?"),
        (".map m colour=red", "t:1: map m: what is 'colour=red'?"),
        (".map m type=array key=4 value=4 entries=1 data=abc", "t:1: map m: data= is not pairs"),
        (".map m type=a key=4 value=4 entries=1 inner=x", "t:1: map m: no inner map x"),
        (".map m type=a key=4 value=4 entries=1\n" * 2, "t:2: map m is there twice"),
        (
            "goto far\n" + "r0 = 0\n" * 32768 + "far: exit",
            "t:1: far is too far away: offset: 32768",
        ),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(AsmError) as error:
        assemble(text, "t")
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_gotol_reaches_further_than_goto() -> None:
    unit = assemble("gotol far\n" + "r0 = 0\n" * 32768 + "far: exit")
    assert unit.slots[0] == Instruction(0x06, imm=32768)


def test_an_undeclared_callee_gets_a_name() -> None:
    text = "call pc+1\nexit\nr0 = 0\nexit"
    assert assemble(text).functions == {0: "main", 2: "func_2"}
    assert assemble(f"func_2: {text}").functions == {0: "func_2", 2: "func_2_"}
    assert assemble("exit\nmain: exit").functions == {0: "main_"}
    assert assemble("").functions == {}


def test_a_label_wins_over_a_helper_of_the_same_name() -> None:
    text = "call bpf_redirect\nexit\nbpf_redirect: exit"
    assert insn(text) == Instruction(0x85, src=CallSrc.LOCAL, imm=1)
    assert insn("call bpf_redirect#23\nexit\nbpf_redirect: exit") == Instruction(0x85, imm=23)


FRAGMENTS = r"""
r0 r1 w2 r11 = += s>= & ( ) * (u32 (s8 *) (r1 +4) -8 0x10 5 ll if goto gotol call exit lock
out out: map[ ] [0] skb[ # ; // .map .func .type .expect m key=4 type=hash pc+3 (b7) 3: " \
atomic_xchg atomic64_cmpxchg bswap16 func[ var[ @ kfunc 99999999999999999999
"""
PIECES = st.sampled_from([*FRAGMENTS.split(), "\n", " ", "\t"])


@settings(max_examples=300)
@given(st.one_of(st.text(), st.lists(PIECES, max_size=14).map(" ".join)))
def test_any_text_assembles_or_is_refused(text: str) -> None:
    try:
        unit = assemble(text, "t")
    except AsmError as error:
        assert str(error).startswith("t:")
        assert "\n" not in str(error)
    else:
        encode(unit.slots)
        assert same(assemble(to_asm(unit)), unit)


def test_a_made_up_label_avoids_the_names_of_functions() -> None:
    text = ".func L3\ncall other\ngoto out\nexit\nout: exit\n.func other\nexit"
    written = to_asm(assemble(text))
    assert "L3_:" in written
    assert same(assemble(written), assemble(text))

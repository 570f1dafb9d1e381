"""The interpreter and the translation agree on everything: answers, faults, packets, maps."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bpfsmt.conformance.straight import straight_cases
from bpfsmt.conformance.values import EDGES
from bpfsmt.generate import programs, scalar_programs
from bpfsmt.isa import Instruction
from bpfsmt.isa.validate import problem
from bpfsmt.machine import Code, Environment, Inputs, Result, UserMap, run
from bpfsmt.machine.maps import ArrayState
from bpfsmt.machine.translate import emit
from bpfsmt.program import MapDef, Program, ProgramType, load

from .programs import asm
from .test_alu import ld64
from .test_bench_programs import OBJECTS, PACKETS

QUIET = settings(
    deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def shown(result: Result, env: Environment) -> dict[str, object]:
    """All that a run leaves behind."""
    return {
        "outcome": result.outcome,
        "r0": result.r0,
        "steps": result.steps,
        "fault": str(result.fault),
        "why": result.why,
        "packet": result.packet,
        "meta": result.data_meta,
        "context": result.context,
        "redirect": result.redirect,
        "copies": result.copies,
        "maps": {m.definition.name: content(m) for m in env.user_maps()},
        "printed": env.printed,
        "time": env.time,
    }


def content(held: UserMap) -> dict[bytes, object] | int:
    """What is in a map, but for what an array never gave out."""
    if isinstance(held.state, ArrayState):
        return dict(held.items(zeros=False))
    return dict(held.items()) or len(held)


def both(
    program: Program,
    inputs: list[Inputs],
    *,
    budget: int = 100_000,
    make: Callable[[], Environment] = Environment,
) -> list[Result]:
    """The same runs by both engines, in an environment each; they must leave the same behind.

    Once a run exceeded its budget nothing more is compared: translated code notices that a
    few instructions later.
    """
    one, two = make(), make()
    results = []
    for given_ in inputs:
        a = run(program, given_, one, budget=budget, engine="interpret")
        b = run(program, given_, two, budget=budget, engine="translate")
        results.append(a)
        if a.outcome == "budget":
            assert (b.outcome, a.steps) == ("budget", b.steps)
            break
        assert shown(a, one) == shown(b, two)
    return results


INPUTS = [Inputs(bytes(14)), Inputs(bytes(range(64)), {"ingress_ifindex": 2**32 - 1})]


@settings(QUIET, max_examples=30)
@given(scalar_programs())
def test_scalar_programs(program: Program) -> None:
    both(program, INPUTS)


@settings(QUIET, max_examples=40)
@given(programs(), st.binary(min_size=0, max_size=80))
def test_programs(program: Program, packet: bytes) -> None:
    both(program, [Inputs(packet), *INPUTS])


@pytest.mark.parametrize("path", OBJECTS, ids=lambda path: path.stem)
def test_bench_programs(path: Path) -> None:
    for program in load(path):
        both(program, [Inputs(packet) for packet in PACKETS])


def test_arithmetic() -> None:
    for case in straight_cases(range(40), 2, seed=1):
        both(case.program, [Inputs(each.packet) for each in case.inputs])


# Any instructions at all, among some that make sense: most programs go wrong somewhere, and
# both engines must say where.

MAPS = (
    MapDef("a", "array", 4, 16, 4),
    MapDef("h", "hash", 4, 16, 4),
    MapDef("p", "percpu_array", 4, 16, 2),
    MapDef("d", "array", 4, 64, 1, data=bytes(range(64)), frozen=True),
    MapDef("t", "prog_array", 4, 4, 4),
    MapDef("r", "ringbuf", 0, 0, 4096),
    MapDef("q", "queue", 0, 8, 2),
)
HEADER = """
    .map a type=array key=4 value=16 entries=4
    .map h type=hash key=4 value=16 entries=4
    .map p type=percpu_array key=4 value=16 entries=2
    .map d type=array key=4 value=64 entries=1
    .map t type=prog_array key=4 value=4 entries=4
    .map r type=ringbuf key=0 value=0 entries=4096
    .map q type=queue key=0 value=8 entries=2
"""
LOOKUP = """
    *(u32 *)(r10 - 4) = {n}
    r1 = map[{map}]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    if r0 == 0 goto +3
    r3 = *(u64 *)(r0 + 8)
    r3 += 1
    lock *(u64 *)(r0 + 8) += r3
"""
UPDATE = """
    *(u32 *)(r10 - 4) = {n}
    *(u64 *)(r10 - 24) = r7
    *(u64 *)(r10 - 16) = r8
    r1 = map[{map}]
    r2 = r10
    r2 += -4
    r3 = r10
    r3 += -24
    r4 = 0
    call bpf_map_update_elem
"""
RESERVE = """
    r1 = map[r]
    r2 = 8
    r3 = 0
    call bpf_ringbuf_reserve
    if r0 == 0 goto +3
    *(u64 *)(r0 + 0) = r7
    r1 = r0
    call bpf_ringbuf_submit
"""
TAIL = "r1 = r6\nr2 = map[t]\nr3 = {n}\ncall bpf_tail_call\n"
ADJUST = "r1 = r6\nr2 = {n}\ncall bpf_xdp_adjust_{part}\nr7 = *(u32 *)(r6 + 0)\n"
PUSH = "r1 = map[q]\nr2 = r10\nr2 += -32\nr3 = 0\ncall bpf_map_push_elem\n"
PLAIN = """
    r8 = *(u32 *)(r7 + {n})
    *(u64 *)(r10 - 32) = r8
    r9 = *(u16 *)(r10 - 30)
    w8 += w9
    r8 <<= {n}
    if r8 > {n} goto +1
    r9 ^= r8
"""
LOOP = "r2 = {n}\nr2 += -1\nif r2 != 0 goto -2\n"

HELPERS = [1, 2, 3, 5, 7, 8, 12, 26, 28, 44, 54, 65, 131, 132, 164, 181, 189, 190, 84, 999]
OPCODES = [opcode for opcode in range(256) if problem(Instruction(opcode, imm=16)) is None or
           problem(Instruction(opcode)) is None]  # fmt: skip


def gadget(rng: random.Random) -> list[Instruction | None]:
    text = rng.choice([LOOKUP, UPDATE, RESERVE, TAIL, ADJUST, PUSH, PLAIN, PLAIN, PLAIN, LOOP])
    filled = text.format(
        n=rng.choice((0, 1, 3, 5, 13, 40)), map=rng.choice("ahp"),
        part=rng.choice(("head", "tail", "meta")),
    )  # fmt: skip
    return list(asm(f"{HEADER}{filled}exit").slots[:-1])


def function_call(rng: random.Random, at: int, function: int) -> list[Instruction | None]:
    """A call of the function at that slot, or a loop that calls it back."""
    if rng.random() < 0.5:
        return [Instruction(0x85, 0, 1, 0, function - at - 1)]
    count = Instruction(0xB7, 1, imm=rng.choice((1, 3, 200)))
    callback = Instruction(0x18, 2, 4, 0, function - at - 2)
    rest = [Instruction(0xB7, 3, imm=5), Instruction(0xB7, 4), Instruction(0x85, imm=181)]
    return [count, callback, None, *rest]


def wild_instruction(rng: random.Random, length: int) -> list[Instruction | None]:
    opcode = rng.choice(OPCODES)
    if opcode == 0x18:
        kind = rng.choice((0, 0, 1, 1, 2, 4))
        imm = rng.choice(EDGES) & 0x7FFFFFFF
        if kind in (1, 2):
            imm = 3 if kind == 2 else rng.randrange(len(MAPS))
        elif kind == 4:
            imm = rng.randint(-length, length)
        return [Instruction(0x18, rng.randrange(10), kind, 0, imm), None]
    if opcode == 0x85:
        if rng.random() < 0.2:
            return [Instruction(0x85, 0, 1, 0, rng.randint(-length, length))]
        return [Instruction(0x85, imm=rng.choice(HELPERS))]
    registers = [0, 2, 3, 6, 7, 8, 9, 10] if rng.random() < 0.9 else range(11)
    insn = Instruction(
        opcode, rng.choice(registers), rng.choice(registers),
        rng.choice((0, 0, 1, 2, 4, 8, -4, -8, -16, -512, 14, 76, 80, rng.randint(-20, 20))),
        rng.choice((0, 1, 3, 16, 32, 64, 0xF1, 0xE1, 0x41, -1, 7, rng.randint(-64, 64))),
    )  # fmt: skip
    for repaired in (insn, Instruction(opcode, insn.dst, insn.src, insn.offset),
                     Instruction(opcode, insn.dst, 0, 0, insn.imm),
                     Instruction(opcode, insn.dst, insn.src, 0),
                     Instruction(opcode, insn.dst, 0, insn.offset, insn.imm)):  # fmt: skip
        if problem(repaired) is None:
            return [repaired]
    return wild_instruction(rng, length)


POINTERS = {  # how a program begins: context in R6, packet in R7, numbers in R8 and R9
    ProgramType.XDP: "r6 = r1\nr7 = *(u32 *)(r1 + 0)\nr8 = *(u32 *)(r1 + 12)\nr9 = 9\n",
    ProgramType.SCHED_CLS: "r6 = r1\nr7 = *(u32 *)(r1 + 76)\nr8 = *(u32 *)(r1 + 0)\nr9 = 9\n",
}
FUNCTION = "r6 = r2\nr0 = r1\n*(u64 *)(r10 - 8) = r1\nr0 &= 15\nif r0 != 11 goto +1\nr0 = 1\nexit"


def wild_program(rng: random.Random, wildness: float) -> Program:
    """So many in a hundred instructions are any at all."""
    kind = rng.choice(list(POINTERS))
    length = rng.choice((10, 30, 90))
    start = asm(POINTERS[kind] + "exit").slots[:-1]
    function = list(asm(FUNCTION).slots)
    slots = [Instruction(0x05, offset=len(function)), *function, *start]
    if rng.random() < 0.5:
        slots += ld64(rng.randrange(10), rng.choice(EDGES))
    while len(slots) < length:
        if rng.random() < wildness:
            slots += wild_instruction(rng, length)
        elif rng.random() < 0.1:
            slots += function_call(rng, len(slots), 1)
        else:
            slots += gadget(rng)
    return Program("wild", kind, (*slots, Instruction(0x95)), MAPS)


@pytest.mark.parametrize("wildness", [0.02, 0.1, 0.3, 1])
def test_wild_programs(wildness: float) -> None:
    rng = random.Random(f"wild {wildness}")
    outcomes = Counter[str]()
    for _ in range(60):
        program = wild_program(rng, wildness)
        inputs = [Inputs(rng.randbytes(rng.choice((0, 14, 60))), data_meta=bytes(4))]
        tail = {("t", n): wild_program(rng, wildness) for n in range(3)}

        def surroundings(tail: dict[tuple[str, int], Program] = tail) -> Environment:
            return Environment(programs=tail)

        results = both(program, inputs * 2, budget=2000, make=surroundings)
        outcomes.update(result.outcome for result in results)
    assert outcomes["fault"] > 10
    assert wildness > 0.1 or (outcomes["exit"] > 10 and outcomes["budget"] > 1)


def test_a_wrong_translation_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "_in_packet", lambda a, size: f"pm <= {a} <= pe")
    text = "r2 = *(u32 *)(r1 + 4)\nr0 = *(u8 *)(r2 + 0)\nexit"
    with pytest.raises(AssertionError):
        both(asm(text), INPUTS)


def test_a_program_that_runs_often_is_translated() -> None:
    code = Code(asm("r0 = 1\nr0 += 1\nexit"))
    for _ in range(50):
        assert run(code, Inputs()).r0 == 2
    assert not code.modules
    for _ in range(60):
        assert run(code, Inputs()).r0 == 2
    assert code.modules

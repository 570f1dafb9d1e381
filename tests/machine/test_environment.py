"""What else helpers do: text, probes, locks, callbacks, packet loads, clocks."""

from __future__ import annotations

import pytest

from bpfsmt.errors import BpfsmtError
from bpfsmt.isa import Instruction
from bpfsmt.machine import Environment, Inputs, Result, run
from bpfsmt.machine.run import EngineName
from bpfsmt.program import MapDef, Program, ProgramType

from .programs import answer, asm, run_asm

U64 = (1 << 64) - 1
ENGINES: tuple[EngineName, ...] = ("interpret", "translate")
EFAULT, ERANGE = -14 & U64, -34 & U64

PRINT = """
    r0 = 0x0a6420732520732c ll
    *(u64 *)(r10 - 16) = 0x64252073
    *(u64 *)(r10 - 8) = 0
    *(u8 *)(r10 - 12) = 10
    r1 = r10
    r1 += -16
    r2 = 6
    r3 = -5
    call bpf_trace_printk
    exit
"""


def test_printed_lines_are_kept() -> None:
    env = Environment(time=77)
    assert answer(PRINT, env=env) == 5  # "s -5" and the end of the line
    [line] = env.printed
    assert (line.program, line.time, line.text) == ("test", 77, "s -5")


PROBE = """
    *(u64 *)(r10 - 8) = -1
    r1 = r10
    r1 += -8
    r2 = {size}
    r3 = {source}
    {more}
    call bpf_probe_read_{kind}
    r1 = *(u64 *)(r10 - 8)
    r1 <<= 8
    r0 |= r1
    exit
"""


def probe(kind: str, source: str, size: int = 4, more: str = "") -> int:
    env = Environment(user_memory={0x5000: b"user\0memory"})
    return answer(PROBE.format(kind=kind, source=source, size=size, more=more), env=env)


def test_probes_read_what_is_there() -> None:
    written = "*(u64 *)(r10 - 24) = 0x64636261\nr3 = r10\nr3 += -24"
    assert probe("kernel", "0", 4, written) & 0xFFFFFFFFFF == 0x6463626100
    assert probe("kernel_str", "0", 8, written) & 0xFFFFFFFFFF == 0x6463626105
    assert probe("kernel_str", "0", 3, written) & 0xFFFFFF == 0x626103
    assert probe("user", "0x5005 ll", 6) & 0xFFFFFFFF == 0x6D656D00
    assert probe("user_str", "0x5000 ll", 8) & 0xFFFFFFFFFF == 0x7265737505


@pytest.mark.parametrize(
    ("kind", "source", "error"),
    [
        ("kernel", "0x1234", ERANGE),  # as a kernel of today says for what is not its own
        ("kernel", "0xffffffff00000000", EFAULT),
        ("kernel_str", "0x7fffffffffffffff", ERANGE),
        ("kernel_str", "0xffffffff00000000", EFAULT),
        ("user", "0x1234", EFAULT),
        ("user_str", "0x1234", EFAULT),
    ],
)
def test_probes_of_nothing_give_zeros_and_an_error(kind: str, source: str, error: int) -> None:
    assert probe(kind, f"{source} ll", 8) == error
    assert probe(kind, f"{source} ll", 1) & 0xFF == error & 0xFF


LOCK = """
    .map m type=array key=4 value=16 entries=1
    *(u32 *)(r10 - 4) = 0
    r1 = map[m]
    r2 = r10
    r2 += -4
    call bpf_map_lookup_elem
    r6 = r0
    {then}
    r0 = 0
    exit
"""
TAKE, FREE = "r1 = r6\ncall bpf_spin_lock\n", "r1 = r6\ncall bpf_spin_unlock\n"


def test_locks() -> None:
    assert answer(LOCK.format(then=TAKE + FREE + TAKE + FREE)) == 0
    assert "a second lock" in run_asm(LOCK.format(then=TAKE + TAKE)).problem
    assert "the lock is not taken" in run_asm(LOCK.format(then=FREE)).problem
    on_stack = "*(u64 *)(r10 - 8) = 0\nr1 = r10\nr1 += -8\ncall bpf_spin_lock\n"
    assert "a lock lies in a map's value" in run_asm(LOCK.format(then=on_stack)).problem


CALLBACK = """
    .func main
        r1 = {count}
        r2 = func[f]
        r3 = 0
        r4 = {flags}
        call bpf_loop
        exit
    .func f
        {body}
        r0 = 0
        exit
"""


def loop(
    body: str,
    count: int = 5,
    flags: int = 0,
    budget: int = 100_000,
    engine: EngineName = "auto",
) -> Result:
    text = CALLBACK.format(count=count, flags=flags, body=body)
    return run(asm(text), Inputs(bytes(64)), budget=budget, engine=engine)


def test_callbacks_run_in_frames_of_their_own() -> None:
    result = run_asm(CALLBACK.format(count=2, flags=0, body="r6 = 1"), trace=True)
    assert result.r0 == 2 and result.trace is not None
    inside = [step for step in result.trace.steps if step.pc >= 7]
    assert len(inside) == 6 and all(step.callsites == (5,) for step in inside)
    assert loop("r0 = 1\nexit").r0 == 1
    assert loop("", flags=1).r0 == -22 & U64


def test_a_fault_in_a_callback_is_where_it_happens() -> None:
    for engine in ENGINES:
        result = loop("r2 = 0\nr0 = *(u8 *)(r2 + 0)", engine=engine)
        assert result.fault is not None and result.fault.pc == 8
    nonsense = "r1 = 5\nr2 = 7\nr3 = 0\nr4 = 0\ncall bpf_loop\nexit"
    assert "0x7 is no function" in run_asm(nonsense).problem


def test_callbacks_count_for_the_budget() -> None:
    for engine in ENGINES:
        result = loop("r6 = 1", count=1000, budget=100, engine=engine)
        assert (result.outcome, result.steps) == ("budget", 100)
        assert result.problem == "no end after 100 instructions"


def test_callbacks_nest_as_deep_as_calls() -> None:
    body = "call f"
    result = loop(body)
    assert "more than 8 frames" in result.problem


LOAD = """
    .type {kind}
    r6 = r1
    r0 = *({size} *)skb[{offset}]
    exit
"""


@pytest.mark.parametrize(
    ("size", "offset", "expected"),
    [
        ("u8", "0", 0x10), ("u16", "1", 0x1112), ("u32", "0", 0x10111213), ("u32", "45", 0),
        ("u8", "-2097152", 0xA0), ("u16", "-2097140", 0xACAD), ("u8", "-1048575", 0x11),
        ("u8", "-5", 0), ("u8", "-3000000", 0), ("u8", "48", 0),
    ],
)  # fmt: skip
def test_packet_loads(size: str, offset: str, expected: int) -> None:
    program = asm(LOAD.format(kind="socket_filter", size=size, offset=offset))
    inputs = Inputs(bytes(range(0x10, 0x40)), link=bytes(range(0xA0, 0xAE)))
    for engine in ENGINES:
        assert run(program, inputs, engine=engine).r0 == expected


def test_a_packet_load_with_a_register() -> None:
    text = ".type sched_cls\nr6 = r1\nr2 = 5\nr0 = *(u8 *)skb[r2 + 3]\nexit"
    assert answer(text, bytes(range(64))) == 8


def test_packet_loads_need_a_socket_buffer() -> None:
    assert "has no skb" in run_asm("r6 = r1\nr0 = *(u8 *)skb[0]\nexit").problem
    wrong = run_asm(".type sched_cls\nr6 = 0\nr0 = *(u8 *)skb[0]\nexit")
    assert wrong.problem == "pc 1: packet load: R6 is not the context"


def test_who_and_where() -> None:
    env = Environment(cpu=2, cpus=4, process=(7, 8), user=(9, 10), comm="a-rather-long-name")
    assert answer("call bpf_get_current_pid_tgid\nexit", env=env) == 7 << 32 | 8
    assert answer("call bpf_get_current_uid_gid\nexit", env=env) == 10 << 32 | 9
    assert answer("call bpf_get_smp_processor_id\nexit", env=env) == 2
    comm = "r1 = r10\nr1 += -8\nr2 = 8\ncall bpf_get_current_comm\nr0 = *(u64 *)(r10 - 8)\nexit"
    assert answer(comm, env=env) == int.from_bytes(b"a-rathe\0", "little")
    with pytest.raises(BpfsmtError, match="no CPU 4: the environment has 4"):
        Environment(cpu=4, cpus=4)


def test_the_clock_goes_by_itself_and_by_hand() -> None:
    env = Environment(time=5_000_000)
    assert answer("call bpf_ktime_get_ns\nexit", env=env) == 5_001_000
    env.time += 1_000_000_000
    assert answer("call bpf_jiffies64\nexit", env=env) == 1005


HASH = ".type sched_cls\nr6 = r1\ncall bpf_get_hash_recalc\n{then}exit"


def test_a_flow_has_one_hash() -> None:
    ip = bytes([0x45, *bytes(8), 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
    head = bytes(12) + b"\x08\x00" + ip
    text = HASH.format(then="")
    one, same = answer(text, head + b"\0\1\0\2data"), answer(text, head + b"\0\1\0\2other")
    other = answer(text, head + b"\0\1\0\3data")
    assert one == same != other
    then = "r1 = r6\nr2 = 5\ncall bpf_set_hash\nr0 = *(u32 *)(r6 + 68)\n"
    assert answer(HASH.format(then=then), head) == 5
    assert answer(HASH.format(then=then + "r1 = r6\ncall bpf_set_hash_invalid\n"), head) == 0


def test_contexts_that_are_no_packets() -> None:
    text = ".type kprobe\nr0 = *(u64 *)(r1 + 104)\nexit"
    registers = bytes(104) + (42).to_bytes(8, "little")
    assert run(asm(text), Inputs(context=registers)).r0 == 42


def test_a_classifier_knows_length_and_protocol() -> None:
    text = (
        ".type sched_cls\nr0 = *(u32 *)(r1 + 0)\nr2 = *(u32 *)(r1 + 16)\nr0 <<= 16\nr0 |= r2\nexit"
    )
    frame = bytes(12) + b"\x86\xdd" + bytes(50)
    assert answer(text, frame) == 64 << 16 | 0xDD86
    result = run(asm(text), Inputs(frame, {"protocol": 7, "mark": 3}))
    assert result.r0 == 64 << 16 | 7 and result.ctx["mark"] == 3


def test_what_a_program_writes_into_the_context_comes_out() -> None:
    text = ".type sched_cls\n*(u32 *)(r1 + 8) = 99\n*(u32 *)(r1 + 48) = 5\nr0 = 0\nexit"
    result = run_asm(text)
    assert (result.ctx["mark"], result.ctx["cb"]) == (99, 5)


def test_metadata_comes_out() -> None:
    text = "r2 = -8\ncall bpf_xdp_adjust_meta\nr0 = 2\nexit"
    result = run_asm(text, meta=b"meta")
    assert result.data_meta == bytes(8) + b"meta" and result.action == "XDP_PASS"


def test_a_map_of_another_kind_is_one_clear_line() -> None:
    text = ".map s type=stack_trace key=4 value=8 entries=4\nr1 = map[s]\nr0 = 0\nexit"
    result = run_asm(text)
    assert result.problem == "map s: type stack_trace is not modelled"
    unused = ".map s type=stack_trace key=4 value=8 entries=4\nr0 = 0\nexit"
    assert answer(unused) == 0
    with pytest.raises(BpfsmtError, match="type stack_trace is not modelled"):
        Environment().map(MapDef("s", "stack_trace", 4, 8, 4))


@pytest.mark.parametrize("helper", [169, 86, 999])
def test_helpers_that_are_not_modelled(helper: int) -> None:
    for engine in ENGINES:
        program = asm(f"r6 = 1\ncall {helper}\nexit")
        result = run(program, Inputs(bytes(64)), engine=engine)
        assert (result.outcome, result.steps) == ("unsupported", 2)
        names = {169: "bpf_timer_init", 86: "bpf_sk_release", 999: "helper 999"}
        assert result.problem == f"{names[helper]} is not modelled"


def test_a_map_that_the_program_does_not_define() -> None:
    slots = (Instruction(0x18, 1, 1, imm=7), None, Instruction(0xB7), Instruction(0x95))
    for engine in ENGINES:
        result = run(Program("raw", ProgramType.XDP, slots), Inputs(), engine=engine)
        assert result.problem == "map 7 is not defined by the program"


def test_only_functions_are_called_back() -> None:
    between = CALLBACK.format(count=1, flags=0, body="r6 = 1").replace(
        "r3 = 0", "r2 += 8\nr3 = 0", 1
    )  # fmt: skip
    for engine in ENGINES:
        result = run(asm(between), Inputs(bytes(64)), engine=engine)
        assert "is no function" in result.problem

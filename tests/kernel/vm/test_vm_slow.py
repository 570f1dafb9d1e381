"""Both kernels, all programs, interrupts and panics: half a minute and more."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel import KernelMap, RunInput, RunResult, available, oracle
from bpfsmt.kernel.cpu import one_cpu
from bpfsmt.kernel.maps import PER_CPU
from bpfsmt.kernel.vm import VmOracle, vm_oracle
from bpfsmt.kernel.vm.frames import Operation
from bpfsmt.program import MapDef, Program, load, load_asm

from .common import needs_vm

pytestmark = pytest.mark.slow

BENCH = Path(__file__).parents[3] / "bench_programs"
PASS = load_asm("r0 = 2\nexit", "pass")

# What these kernels say other than the .expect line, which is for the rules of Linux 4.18.
SINCE_THEN = {
    "false_rejection_32bit_compare": "accept",  # 5.7: bounds of the low half
    "false_rejection_copied_number": "accept",  # copies of a number learn together
    "loop_back_edge": "accept",  # 5.3: bounded loops
    "helper_uninit_key": "accept",  # who is root may read a stack that was never written
    "stack_partly_written": "accept",
    "stack_uninitialised_read": "accept",
    "stack_variable_offset": "accept",
}
OTHERWISE = {
    "6.12": SINCE_THEN,
    # 6.8: a compare of two registers, neither of them known, narrows both
    "6.1": {**SINCE_THEN, "compare_with_register": "reject"},
}
FRAME = bytes.fromhex(
    "020000000001 020000000002 0800 4500002c000100004011 0000 0a000001 0a0000020035 1234 0018 0000"
) + bytes(16)


@pytest.fixture(scope="module", params=[pytest.param(r, marks=needs_vm(r)) for r in OTHERWISE])
def kernel(request: pytest.FixtureRequest) -> Iterator[VmOracle]:
    with vm_oracle(request.param, keep=False) as found:
        yield found


def bench_programs() -> list[Program]:
    files = sorted([*BENCH.rglob("*.o"), *BENCH.rglob("*.bpfasm")])
    return [program for file in files for program in load(file).programs]


def test_verdicts_of_all_programs(kernel: VmOracle) -> None:
    otherwise = OTHERWISE[kernel.name.removeprefix("vm:")]
    wrong = {}
    for program in bench_programs():
        then = program.expect.verdict if program.expect else "accept"
        expected = otherwise.get(program.name, then)
        found = kernel.load(program)
        if found.accepted != (expected == "accept"):
            wrong[program.name] = found.log[-500:]
        assert found.log
    assert wrong == {}


@pytest.mark.skipif(bool(available()), reason=available() or "")
def test_runs_are_as_in_the_running_kernel(kernel: VmOracle) -> None:
    """Return values, packets and maps; of a per-CPU value the copy that was written."""
    here = oracle("kernel")
    inputs = [RunInput(FRAME), RunInput(FRAME[:20])]
    compared = 0
    for program in bench_programs():
        if not here.load(program).accepted or not kernel.load(program).accepted:
            continue
        with one_cpu():
            expected = here.run(program, inputs)
        found = kernel.run(program, inputs)
        for one, other in zip(expected, found, strict=True):
            assert _comparable(program, one) == _comparable(program, other), program.name
        compared += 1
    assert compared > 60


def _comparable(program: Program, run: RunResult) -> tuple[object, ...]:
    sizes = {each.name: each.value_size for each in program.maps if each.type in PER_CPU}
    maps = {
        name: {key: _written(value, sizes.get(name, 0)) for key, value in content.items()}
        for name, content in run.maps.items()
    }
    return run.errno, run.retval, run.packet, run.data_meta, run.ctx, _without_time(program, maps)


def _written(value: bytes, size: int) -> bytes:
    """The copy that is not zero; all of a value that is not per CPU (``size`` 0)."""
    copies = [value[at : at + size] for at in range(0, len(value), size)] if size else [value]
    return next(filter(any, copies), copies[0])


def _without_time(program: Program, maps: dict[str, dict[bytes, bytes]]) -> object:
    """Not where a program keeps the time."""
    calls = {i.imm for _, i in program.instructions() if i.opcode == 0x85 and i.src == 0}
    return None if calls & {5, 7} else maps  # bpf_ktime_get_ns, bpf_get_prandom_u32


def test_a_panic_is_told_and_the_next_boots_another(kernel: VmOracle) -> None:
    with (
        pytest.raises(OracleError, match=r"pass: .* ended during peek \(Kernel panic.*kill init"),
        kernel._asked(PASS) as machine,
        KernelMap(MapDef("ring", "ringbuf", 0, 0, 4096)) as ring,
    ):
        machine._ask(Operation.PEEK, ring.fd, 0, 4096, 8, doing="peek")  # writes to address 8
    assert kernel.load(PASS).accepted


@needs_vm("6.12")
def test_several_at_once() -> None:
    def release(_: int) -> str:
        with vm_oracle("6.12", keep=False) as found:
            return found.load(PASS).release

    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(release, range(3)))
    assert len(found) == 1


@needs_vm("6.12")
@pytest.mark.parametrize("after", [0.0, 0.5, 10.0])
def test_an_interrupt_leaves_nothing_behind(tmp_path: Path, after: float) -> None:
    """So many seconds after QEMU started: the guest boots, or a load takes long."""
    program = tmp_path / "long.bpfasm"
    program.write_text("r0 = 0\nr6 = 300000\nr0 += 1\nr6 += -1\nif r6 != 0 goto -3\nexit\n")
    command = [sys.executable, "-m", "bpfsmt", "verify", "--oracle", "vm:6.12", str(program)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    while not (started := children.read_text().split()):
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130, said
    assert said == b"bpfsmt: interrupted\n"
    assert not [pid for pid in started if os.path.exists(f"/proc/{pid}")]


@needs_vm("6.12")
def test_verify_asks_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second time the answer is kept: no machine is booted, which takes seconds."""
    real = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bpfsmt/vm"
    mine = tmp_path / "bpfsmt/vm"
    mine.mkdir(parents=True)
    for name in ("images", "qemu"):
        if (real / name).exists():
            (mine / name).symlink_to(real / name)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    file = BENCH / "xdp/xdp_drop.o"
    command = [sys.executable, "-m", "bpfsmt", "verify", "--json", "--oracle", "vm:6.12", str(file)]
    found = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, timeout=60, check=True)
        found.append(json.loads(done.stdout))
    assert found[0] == found[1], "the time that verification took, too"
    assert found[0][0]["verdict"] == "accept"
    assert found[0][0]["producer"].startswith("Linux 6.12")
    (kept,) = (mine / "results").rglob("*.json.gz")
    assert kept.stat().st_size < 10_000

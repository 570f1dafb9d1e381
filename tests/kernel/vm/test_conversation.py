"""A machine that misbehaves, with a script in place of QEMU: each way is told in one line."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel.attrs import MapCreate
from bpfsmt.kernel.vm import VirtualMachine, machine
from bpfsmt.kernel.vm.images import Image
from bpfsmt.kernel.vm.qemu import Qemu

IMAGE = Image(Path("none"), "6.12.1-fake", "6.12.1-fake #1")


def boot(monkeypatch: pytest.MonkeyPatch, mode: str, seconds: float = 20.0) -> VirtualMachine:
    script = Path(__file__).with_name("fake_qemu.py")
    environment = {**os.environ, "FAKE_QEMU": mode}
    found = Qemu(Path(sys.executable), ("-S", "-E", str(script)), environment)
    monkeypatch.setattr(machine, "find_qemu", lambda: found)
    monkeypatch.setattr(machine, "initramfs", lambda: Path("none"))
    return VirtualMachine(IMAGE, boot_seconds=seconds, call_seconds=seconds)


def test_a_call_and_its_result(monkeypatch: pytest.MonkeyPatch) -> None:
    with boot(monkeypatch, "well") as vm:
        assert vm.alive
        assert (vm.release, vm.cpus, vm.page_bytes) == ("6.12.1-fake", 1, 4096)
        assert vm.call(0, MapCreate()) == 0
        process = vm._process
    assert not vm.alive
    assert process.poll() is not None
    vm.close(3)  # nothing is open in a dead machine


BOOT = {
    "panic at boot": "ended during boot (Kernel panic - not syncing: planted)",
    "broken": "ended during boot (qemu-system-x86_64: -machine pc: planted)",
    "another kernel": "says that it is 6.66",
    "no memory": "cannot map the shared memory: Cannot allocate memory",
    "damaged hello": "a frame came damaged over the serial line",
}


@pytest.mark.parametrize(("mode", "said"), BOOT.items())
def test_no_boot(monkeypatch: pytest.MonkeyPatch, mode: str, said: str) -> None:
    before = children()
    with pytest.raises(OracleError) as caught:
        boot(monkeypatch, mode)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert children() == before


def test_silence_at_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    before, start = children(), time.monotonic()
    with pytest.raises(OracleError, match=r"gave no answer within 0\.2 s: boot"):
        boot(monkeypatch, "silent", 0.2)
    assert time.monotonic() - start < 10
    assert children() == before


CALL = {
    "panic": "ended during BPF_MAP_CREATE (Kernel panic - not syncing: planted)",
    "hangs": "gave no answer within 2 s: BPF_MAP_CREATE",
    "damaged": "a frame came damaged over the serial line",
    "old answer": "the answer to request 1 came for request 2",
}


@pytest.mark.parametrize(("mode", "said"), CALL.items())
def test_no_answer(monkeypatch: pytest.MonkeyPatch, mode: str, said: str) -> None:
    before = children()
    vm = boot(monkeypatch, mode, 2.0 if mode == "hangs" else 20.0)
    with pytest.raises(OracleError) as caught:
        vm.call(0, MapCreate())
    assert said in str(caught.value)
    assert not vm.alive
    assert children() == before


def test_another_address_if_the_guest_has_something_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with boot(monkeypatch, "address taken") as vm:
        assert vm._number == 3
        buffer = vm.buffer(1 << 20)
        assert buffer.raw == bytes(1 << 20)


def test_after_a_long_time_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with boot(monkeypatch, "well") as vm:
        monkeypatch.setattr(machine, "_IDLE_SECONDS", 0.0)
        assert not vm.alive


def test_a_long_call_is_no_idleness(monkeypatch: pytest.MonkeyPatch) -> None:
    with boot(monkeypatch, "slow") as vm:
        monkeypatch.setattr(machine, "_IDLE_SECONDS", 0.5)
        vm.call(0, MapCreate())
        assert vm.alive


def test_it_ends_with_the_object(monkeypatch: pytest.MonkeyPatch) -> None:
    vm = boot(monkeypatch, "well")
    process = vm._process
    del vm
    assert process.poll() is not None


def children() -> list[str]:
    """The processes that we started and that are still there."""
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()

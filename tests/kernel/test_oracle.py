"""Choosing an oracle, and what is said where bpf() is not there."""

from __future__ import annotations

import ctypes
import errno
import platform
from collections.abc import Iterator

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel import oracle, syscall, target
from bpfsmt.kernel.attrs import Command, ProgLoad


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    syscall.available.cache_clear()
    target._system_call.cache_clear()
    yield
    syscall.available.cache_clear()
    target._system_call.cache_clear()


@pytest.mark.parametrize("name", ["", "kern", "kernel:6.12", "vm", "vm:"])
def test_no_such_oracle(name: str) -> None:
    with pytest.raises(OracleError, match="no oracle"):
        oracle(name)


@pytest.mark.parametrize(
    ("number", "said"), [(errno.EPERM, "it takes root"), (errno.ENOSYS, "ENOSYS")]
)
def test_a_refusal_says_why(monkeypatch: pytest.MonkeyPatch, number: int, said: str) -> None:
    def refuse(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    monkeypatch.setattr(target, "_system_call", lambda: (refuse, 321))
    monkeypatch.setattr(target._system_call, "cache_clear", lambda: None, raising=False)
    reason = syscall.available()
    assert reason is not None
    assert said in reason
    assert "\n" not in reason
    with pytest.raises(OracleError, match="bpf\\(\\) loads no program here"):
        oracle("kernel")


def test_a_machine_without_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "pdp11")
    assert (syscall.available() or "").endswith("pdp11")


def test_a_kernel_that_answers_wrong_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    real = syscall.bpf

    def liar(command: Command, attr: ctypes.Structure) -> int:
        return 0 if command is Command.PROG_TEST_RUN else real(command, attr)

    if syscall.available() is not None:
        pytest.skip("needs bpf()")
    syscall.available.cache_clear()
    monkeypatch.setattr(syscall, "bpf", liar)
    assert syscall.available() == "a test run of r0 = 2 gave 0"


def test_a_load_that_a_signal_interrupts_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def interrupted(*_: object) -> int:
        tries.append(1)
        ctypes.set_errno(errno.EAGAIN)
        return -1 if len(tries) < 3 else 7

    monkeypatch.setattr(target, "_system_call", lambda: (interrupted, 321))
    monkeypatch.setattr(target._system_call, "cache_clear", lambda: None, raising=False)
    assert syscall.bpf(Command.PROG_LOAD, ProgLoad()) == 7
    tries.clear()
    assert syscall.bpf(Command.MAP_CREATE, ProgLoad()) == -errno.EAGAIN

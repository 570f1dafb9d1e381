"""Memory shared with a machine: what is handed out is zero, and lies in one place."""

from __future__ import annotations

import ctypes

import pytest

from bpfsmt.errors import OracleError
from bpfsmt.kernel.vm.memory import SharedMemory


def test_buffers_are_apart_and_zero_each_time() -> None:
    memory = SharedMemory(1 << 16)
    for _ in range(3):
        memory.clear()
        one, two = memory.buffer(100), memory.buffer(30000)
        assert one.raw == bytes(100)
        assert two.raw == bytes(30000)
        one.raw, two.raw = b"\xff" * 100, b"\xff" * 30000
        assert ctypes.addressof(one) + 100 <= ctypes.addressof(two)
        assert memory.address <= ctypes.addressof(one)
    memory.clear()
    assert memory.buffer(1 << 16).raw == bytes(1 << 16)
    memory.close()


def test_it_ends() -> None:
    memory = SharedMemory(1 << 16)
    memory.buffer(1 << 15)
    with pytest.raises(OracleError, match="full"):
        memory.buffer((1 << 15) + 1)
    memory.close()


def test_a_buffer_outlives_the_memory() -> None:
    memory = SharedMemory(1 << 16)
    buffer = memory.buffer(8)
    memory.close()
    del memory
    buffer.raw = b"12345678"
    assert buffer.raw == b"12345678"


def test_another_place_is_the_same_file() -> None:
    memory = SharedMemory(1 << 16)
    before = memory.address
    memory.map_elsewhere()
    assert memory.address != before
    memory.close()

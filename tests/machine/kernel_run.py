"""Load an XDP program into the running kernel and test-run it; nothing is attached."""

from __future__ import annotations

import ctypes
import os
import struct

_SYS_BPF = 321  # x86-64
_PROG_LOAD, _PROG_TEST_RUN = 5, 10
_XDP = 6
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command: int, attr: bytes) -> tuple[int, bytes]:
    buffer = ctypes.create_string_buffer(attr, 144)
    result = _libc.syscall(_SYS_BPF, command, buffer, 144)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result), buffer.raw


def run_in_kernel(code: bytes, packet: bytes) -> int:
    """The 32-bit answer of the program; raises `OSError` where the kernel says no."""
    insns = ctypes.create_string_buffer(code, len(code))
    name = ctypes.create_string_buffer(b"GPL")
    load = struct.pack(
        "=IIQQIIQ", _XDP, len(code) // 8, ctypes.addressof(insns), ctypes.addressof(name), 0, 0, 0
    )
    fd, _ = _bpf(_PROG_LOAD, load)
    try:
        data = ctypes.create_string_buffer(packet, len(packet))
        attr = struct.pack(
            "=IIIIQQII", fd, 0, len(packet), 0, ctypes.addressof(data), 0, 1, 0
        )  # fmt: skip
        _, after = _bpf(_PROG_TEST_RUN, attr)
        return int(struct.unpack_from("=I", after, 4)[0])
    finally:
        os.close(fd)


def unavailable() -> str:
    """Why the kernel cannot be asked; nothing if it can."""
    try:
        exit_with_2 = struct.pack("=BBhi", 0xB7, 0, 0, 2) + struct.pack("=BBhi", 0x95, 0, 0, 0)
        answer = run_in_kernel(exit_with_2, bytes(64))
    except (OSError, AttributeError) as error:
        return f"no bpf() here: {error}"
    return "" if answer == 2 else f"a test run of r0 = 2 gave {answer}"

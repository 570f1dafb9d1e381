"""The bpf(2) system call: one function, its errors in one line, and whether it is there.

No libbpf: the C library's ``syscall`` is all that is needed.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct

from bpfsmt.errors import OracleError
from bpfsmt.kernel.attrs import Command, ProgLoad, ProgRun
from bpfsmt.kernel.target import HERE, Buffer, asking, target

ENOTSUPP = 524
"""Not in errno.h, but given to programs all the same: a type that cannot be test-run."""

_TRIES = 5  # a load that a signal interrupts ends with EAGAIN and is begun again


class BpfError(OracleError):
    """The kernel said no; ``errno`` is its (positive) error number."""

    def __init__(self, what: str, number: int) -> None:
        super().__init__(f"{what}: {describe_errno(number)}")
        self.errno = number


def describe_errno(number: int) -> str:
    """An error number in words and by name.

    >>> describe_errno(22), describe_errno(524)
    ('Invalid argument (EINVAL)', 'Operation is not supported (ENOTSUPP)')
    """
    if number == ENOTSUPP:
        return "Operation is not supported (ENOTSUPP)"
    return f"{os.strerror(number)} ({errno.errorcode.get(number, number)})"


def bpf(command: Command, attr: ctypes.Structure) -> int:
    """The call itself, to the kernel that is asked: its result, or minus the error number.

    ``attr`` holds the kernel's answers afterwards.  Raises `OracleError` where there is no
    such call at all.
    """
    for _ in range(_TRIES):
        result = target().call(command, attr)
        if result != -errno.EAGAIN or command is not Command.PROG_LOAD:
            break
    return result


def close(fd: int) -> None:
    """Let go of a descriptor that a call gave."""
    target().close(fd)


def checked(what: str, command: Command, attr: ctypes.Structure) -> int:
    """As `bpf`, but an error is a `BpfError` that begins with ``what``."""
    result = bpf(command, attr)
    if result < 0:
        raise BpfError(what, -result)
    return result


def address(buffer: Buffer | None) -> int:
    """Where a buffer is, for an attr; 0 for none or an empty one.  The caller keeps it alive."""
    return ctypes.addressof(buffer) if buffer else 0


def buffer_of(data: bytes) -> Buffer:
    """The bytes in memory that the kernel can read and write."""
    buffer = new_buffer(len(data))
    ctypes.memmove(buffer, data, len(data))
    return buffer


def new_buffer(size: int) -> Buffer:
    """So many zeros in memory that the kernel can write."""
    return target().buffer(size)


def kernel_name(name: str) -> bytes:
    """A name for a map or a program as the kernel admits it: 15 letters, digits, ``_``, ``.``.

    >>> kernel_name("xdp-ddos_blacklist v2")
    b'xdp_ddos_blackl'
    """
    admitted = (c if c.isascii() and (c.isalnum() or c in "_.") else "_" for c in name)
    return "".join(admitted).encode()[:15]


def possible_cpus() -> int:
    """How many CPUs the kernel has values for in a per-CPU map."""
    return target().cpus


@functools.cache
def available() -> str | None:
    """Why the running kernel loads and test-runs no program, in one line; `None` if it does.

    Tries it with ``r0 = 2; exit``.
    """
    with asking(HERE):
        return _available()


def _available() -> str | None:
    code = struct.pack("<BBhi", 0xB7, 0, 0, 2) + struct.pack("<BBhi", 0x95, 0, 0, 0)
    insns, license, packet = buffer_of(code), buffer_of(b"GPL\0"), buffer_of(bytes(64))
    try:
        fd = bpf(
            Command.PROG_LOAD,
            ProgLoad(prog_type=6, insn_cnt=2, insns=address(insns), license=address(license)),
        )
    except OracleError as error:
        return str(error)
    if fd < 0:
        help = "; it takes root, or CAP_BPF and CAP_NET_ADMIN" if fd == -errno.EPERM else ""
        return f"bpf() loads no program here: {describe_errno(-fd)}{help}"
    try:
        attr = ProgRun(prog_fd=fd, data_in=address(packet), data_size_in=len(packet), repeat=1)
        result = bpf(Command.PROG_TEST_RUN, attr)
        if result < 0:
            return f"bpf() test-runs no program here: {describe_errno(-result)}"
        return None if attr.retval == 2 else f"a test run of r0 = 2 gave {attr.retval}"
    finally:
        close(fd)


def require() -> None:
    """Raise `OracleError` with the reason if it is the running kernel, and cannot be asked."""
    reason = available() if target() is HERE else None
    if reason is not None:
        raise OracleError(reason)
